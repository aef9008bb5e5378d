"""Folders of pictures to paint, and of what was painted."""

from pathlib import Path

import numpy as np
from PIL import Image

from tests.support.networks import picture

#: Options with which a picture takes a fraction of a second.
QUICK = ("--size", "48", "--iterations", "3", "--threads", "2")


def draw(path: Path, seed: int, size: tuple[int, int] = (60, 40)) -> Path:
    """A picture of `size`, width and height, which no other seed gives."""
    width, height = size
    levels = np.rint(picture(height, width, seed).transpose(1, 2, 0)).astype(np.uint8)
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(levels).save(path)
    return path


def pictures(folder: Path) -> dict[str, int]:
    """Names of the pictures in `folder`, and when each was written.

    Each is read to its end.
    """
    found = {}
    for path in sorted(folder.rglob("*.png")):
        with Image.open(path) as image:
            image.load()
        found[path.relative_to(folder).as_posix()] = path.stat().st_mtime_ns
    return found
