"""The loss as a function of pixels: targets, weights, terms."""
