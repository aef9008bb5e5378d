"""Finds, downloads and verifies models."""
