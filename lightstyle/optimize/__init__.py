"""Minimisers of a loss over pixels, one algorithm a file."""
