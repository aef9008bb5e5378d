"""Reads and writes pictures, and handles colours and masks."""

from .picture import (
    ImageSource,
    Picture,
    fitted_size,
    from_pixels,
    load,
    resampled,
    resized,
    to_pixels,
)

__all__ = [
    "ImageSource",
    "Picture",
    "fitted_size",
    "from_pixels",
    "load",
    "resampled",
    "resized",
    "to_pixels",
]
