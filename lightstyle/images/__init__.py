"""Reads and writes pictures, and handles colours and masks."""

from .loading import load as load
from .picture import fitted_size as fitted_size
from .picture import from_pixels as from_pixels
from .picture import resampled as resampled
from .picture import resized as resized
from .picture import to_pixels as to_pixels
