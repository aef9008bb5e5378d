"""Measures of finished pictures."""
