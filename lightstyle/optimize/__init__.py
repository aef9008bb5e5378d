"""Methods that minimise a loss over pixels, one algorithm per module."""
