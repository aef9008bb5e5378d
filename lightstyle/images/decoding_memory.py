"""Predicts the memory that decoding a picture takes, and refuses what does not fit.

`within` says how much a process may take while it reads pictures. Inside, a picture
that would take more is refused before it is decoded, and the most that was taken is
remembered for the forecast (`python -m tests.benchmarks.decoding` compares it with what
is taken).
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Final

from PIL import Image

from ..arrays import Size
from ..errors import ImageError, UsageError
from . import reducing

#: Bytes of a pixel in memory, by Pillow's mode, and of all others.
_PLAIN: Final = 4
_PIXEL: Final = {"1": 1, "L": 1, "P": 1, "I;16": 2, "I;16L": 2, "I;16B": 2, "I;16N": 2}

#: Bytes per pixel that a decoder takes beside the pixels.
_DECODER: Final = {"WEBP": 13.0, "JPEG2000": 16.0, "AVIF": 5.5, "JXL": 3.5, "HEIF": 3.5}

#: Bytes per pixel of the levels, and of what it takes to make them; more with alpha.
_LEVELS: Final = 23.0
_LEVELS_WITH_ALPHA: Final = 49.0

#: The same of arrays, by their number of samples.
_LEVELS_OF_ARRAY: Final = {1: 16.0, 3: 12.0, 4: 41.0}

#: Bytes that any run has: without them, the plan of the run says what is needed.
_LEAST: Final = 1_000_000

#: Bytes that a coefficient of a progressive JPEG takes until its last scan is read.
_COEFFICIENT: Final = 2


@dataclass
class Room:
    """The memory that a process may take.

    Attributes:
        resident: Tells the bytes that it has now.
        free: Tells the bytes that it may still take.
        budget: Bytes that a person allowed; None if `free` is an estimate.
        peak: Most bytes that the process is expected to have had.
    """

    resident: Callable[[], int]
    free: Callable[[], int]
    budget: int | None = None
    peak: int = 0

    def admit(self, need: int, what: str, advice: str) -> None:
        """Take note of a picture that is about to be decoded.

        Raises:
            UsageError: If it needs more than the budget.
            ImageError: If it needs more than is free.
        """
        if need < _LEAST:
            return
        total = self.resident() + need
        if self.budget is not None and total > self.budget:
            raise UsageError(
                f"{what}: decoding it needs {total / 1e9:.2f} GB, but memory is "
                f"{self.budget / 1e9:.2f} GB: allow as much, or {advice}"
            )
        if self.budget is None and need > self.free():
            raise ImageError(
                f"{what}: decoding it needs {need / 1e9:.2f} GB, but only "
                f"{self.free() / 1e9:.2f} GB are free: {advice}"
            )
        self.peak = max(self.peak, total)


_room: Final[ContextVar[Room | None]] = ContextVar("room", default=None)


@contextmanager
def within(room: Room) -> Iterator[Room]:
    """Read pictures within `room`, in this thread."""
    token = _room.set(room)
    try:
        yield room
    finally:
        _room.reset(token)


def peak() -> int:
    """Return the most bytes that decoding took so far `within` a room, else 0."""
    room = _room.get()
    return 0 if room is None else room.peak


def admit(
    image: Image.Image, longest: int | None, by: int, name: str, copies: int = 0
) -> None:
    """Refuse a picture that is too large for the memory that there is.

    Args:
        image: The picture, opened and perhaps drafted, but not decoded.
        longest: Longest side that is needed.
        by: What `reducing.factor` allowed.
        name: What an error message calls it.
        copies: Copies of its pixels that will be made first.

    Raises:
        UsageError: If it does not fit into what was allowed.
        ImageError: If it does not fit into what is free.
    """
    room = _room.get()
    if room is None:
        return
    decoding, pixels = _decoding(image), image.width * image.height
    each = _LEVELS_WITH_ALPHA if image.has_transparency_data else _LEVELS
    left = reducing.further(image.size, longest, by)
    own = pixels * _PIXEL.get(image.mode, _PLAIN)
    levels = own + pixels * each / left**2
    advice = "make the picture smaller first"
    if by == 1 and decoding < levels:
        advice = f"choose a smaller size, or {advice}"
    what = f"{name}, {_megapixels(_full_size(image))}"
    room.admit(int(max(decoding, levels) + copies * own), what, advice)


def admit_opening(pixels: int, format_: str, name: str) -> None:
    """Refuse a picture that is decoded when it is opened, as `admit` does.

    Args:
        pixels: Number of pixels.
        format_: Pillow's name of the format.
        name: What an error message calls the picture.
    """
    _admit(pixels, _PLAIN + _DECODER[format_], name)


def admit_array(pixels: int, samples: int, name: str) -> None:
    """Refuse an array that is to become levels, as `admit` does.

    Args:
        pixels: Number of pixels.
        samples: Samples of each, 1, 3 or 4.
        name: What an error message calls the picture.
    """
    _admit(pixels, _LEVELS_OF_ARRAY[samples], name)


def admit_samples(pixels: int, samples: int, size: int, name: str) -> None:
    """Refuse a picture that is read without Pillow, as `admit` does.

    Args:
        pixels: Number of pixels.
        samples: Samples of each.
        size: Bytes of a sample.
        name: What an error message calls the picture.
    """
    _admit(pixels, _LEVELS + 2 * samples * size, name)


def _admit(pixels: int, each: float, name: str) -> None:
    """Refuse a picture that takes so many bytes a pixel."""
    room = _room.get()
    if room is not None:
        what = f"{name}, {_megapixels((pixels, 1))}"
        room.admit(int(pixels * each), what, "make the picture smaller first")


def _decoding(image: Image.Image) -> float:
    """Return the bytes at the worst moment of the decoder."""
    pixels = image.width * image.height
    each = _PIXEL.get(image.mode, _PLAIN) + _DECODER.get(image.format or "", 0.0)
    return pixels * each + _coefficients(image)


def _coefficients(image: Image.Image) -> float:
    """Return the bytes of all coefficients, which a progressive JPEG needs at once."""
    if not image.info.get("progressive"):
        return 0.0
    layers = getattr(image, "layer", None) or [(1, 1, 1, 0)] * 3
    width, height = _full_size(image)
    widest, highest = max(x[1] for x in layers), max(x[2] for x in layers)
    samples: float = sum(x[1] * x[2] for x in layers) / (widest * highest)
    return _COEFFICIENT * width * height * samples


def _full_size(image: Image.Image) -> Size:
    """Return the size of a picture that may be a draft."""
    scale = reducing.scale(image)
    return image.width * scale, image.height * scale


def _megapixels(size: Size) -> str:
    return f"{size[0] * size[1] / 1e6:,.0f} megapixels"
