"""Numbers about finished pictures."""
