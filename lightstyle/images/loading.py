"""Loads pictures from whatever holds them: files, bytes, PIL images and arrays."""

import os
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from ..errors import ImageError, UsageError
from ..text import shown
from . import decoding, decoding_memory, picture_file, samples
from .picture import Picture
from .streams import Piped

ImageSource = str | os.PathLike[str] | bytes | Image.Image | NDArray[np.generic]

#: One style picture, or several.
Styles = ImageSource | Sequence[ImageSource]


def several(style: Styles) -> tuple[ImageSource, ...]:
    """Return the pictures of `style` as a tuple.

    Raises:
        UsageError: If `style` is an empty sequence.
    """
    binary = str | bytes | bytearray | memoryview
    if not isinstance(style, Sequence) or isinstance(style, binary):
        return (style,)
    if not style:
        raise UsageError("style is empty, expected at least one picture")
    return tuple(style)


def load(
    source: ImageSource, *, role: str = "picture", longest: int | None = None
) -> Picture:
    """Read a picture.

    The orientation is applied, an embedded colour profile is converted to sRGB, and the
    first of several frames is used. The source is not modified.

    Args:
        source: Path or bytes of a file; a PIL image; or an array of shape
            (H, W), (H, W, 1), (H, W, 3) or (H, W, 4), RGB and alpha, in uint8 (0..255),
            uint16 (0..65535) or floats (0..1).
        role: What the picture is for ("content", "style"); starts error messages.
        longest: Longest side that is needed, of which a very large picture is read at a
            small multiple; None for all of it.

    Raises:
        UsageError: If the source is none of these, or does not fit into the memory that
            `decoding_memory.within` allows.
        ImageError: If the picture is missing, damaged, oversized or of the wrong kind.
    """
    if isinstance(source, Image.Image):
        return decoding.from_image(source, f"{role} image", longest)
    if isinstance(source, np.ndarray):
        return _from_array(source, f"{role} array")
    if isinstance(source, str | os.PathLike):
        name = f"{role} {os.fspath(source)}"
        return decoding.from_bytes(picture_file.read(source, name), name, longest)
    if isinstance(source, bytes):
        name = source.name if isinstance(source, Piped) else "bytes"
        return decoding.from_bytes(source, f"{role} {name}", longest)
    raise UsageError(
        f"{role} is {shown(source)}, expected a path, the bytes of a file, a PIL image "
        "or a NumPy array"
    )


def _from_array(array: NDArray[np.generic], name: str) -> Picture:
    shape = "×".join(map(str, array.shape)) or "no dimensions"
    if array.ndim == 2:
        array = array[..., None]
    if array.ndim != 3 or array.shape[2] not in (1, 3, 4) or array.size == 0:
        raise ImageError(f"{name}: shape {shape}, expected H×W, H×W×1, H×W×3 or H×W×4")
    decoding_memory.admit_array(array[..., 0].size, array.shape[2], name)
    levels = samples.grey_levels(array, name)
    if levels.shape[2] == 1:
        levels = np.repeat(levels, 3, axis=2)
    alpha = levels[..., 3] if levels.shape[2] == 4 else None
    notes = samples.hidden(alpha, name)
    return Picture.of(np.ascontiguousarray(levels[..., :3]), alpha, notes)
