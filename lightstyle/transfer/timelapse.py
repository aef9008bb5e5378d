"""A film of a run: its pictures, every few evaluations, as an animated WebP.

Each frame is encoded by itself and goes to the disk at once, so that a film of any
length takes the memory of one picture; the file appears when the last is in it. The
container is RIFF, by the specification of WebP: VP8X says what there is, ANIM that it
repeats, and every ANMF holds a frame as it would stand in a file of its own.
"""

import io
import os
import struct
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import Final, Self

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from ..arrays import Size
from ..files import Draft
from ..images import metadata
from ..images.encoding import srgb_profile
from .result import Progress, Result

#: Frames of a film, more or less, if nobody says how many.
FRAMES: Final = 60

#: Longest side of a film, in pixels; larger pictures are made smaller for it.
LONGEST: Final = 1024

#: What a frame is shown for, and the last one, in milliseconds.
_EACH, _LAST = 80, 3000

_OPTIONS: Final = {"quality": 85, "method": 4}

#: Bits of VP8X: there is a colour profile, EXIF data, an animation.
_PROFILE, _EXIF, _ANIMATION = 0x20, 0x08, 0x02

#: Flag of a frame: it replaces what is there, rather than to be blended with it.
_REPLACES: Final = 0x02


class Timelapse:
    """Films a run: a watcher of `console`, and a context in which it may be one."""

    def __init__(
        self, path: Path, every: int, *, metadata: bool, resumed: bool = False
    ) -> None:
        """Film to `path`, every few evaluations; with 0, about `FRAMES` times.

        Args:
            path: Of the film; its folder must exist.
            every: Evaluations from frame to frame.
            metadata: Whether to say in it what made the pictures.
            resumed: Whether to go on with the film that is there.
        """
        self._path, self._every, self._metadata = path, every, metadata
        self._resumed = resumed
        self._stack = ExitStack()
        self._film: _Film | None = None

    def __enter__(self) -> Self:
        """Do nothing yet: a run that fails at once leaves nothing behind."""
        return self

    def __exit__(self, *error: object) -> None:
        """Remove a film that was not finished."""
        self._stack.close()

    def __call__(self, progress: Progress) -> None:
        """Add the best picture so far, if its turn has come.

        Raises:
            OutputError: If the film cannot be written.
        """
        every = self._every or max(1, progress.settings.iterations // FRAMES)
        if self._film is None:
            draft = self._stack.enter_context(Draft(self._path))
            self._film = _Film(draft, progress.record.size)
            if self._resumed:
                self._film.take_over(self._path)
        elif progress.evaluation % every:
            return
        self._film.add(progress.image_hwc, _EACH)

    def finish(self, result: Result) -> None:
        """Add the picture that the run came to, and put the film in its place.

        Raises:
            OutputError: If it cannot be written.
        """
        if self._film is not None:
            self._film.add(result.image_hwc, _LAST)
            self._film.end(str(result.record) if self._metadata else None)


class _Film:
    """The file, frame by frame."""

    def __init__(self, draft: Draft, size: Size) -> None:
        scale = min(1.0, LONGEST / max(size))
        self._size = max(1, round(size[0] * scale)), max(1, round(size[1] * scale))
        self._draft = draft
        self._length = 0
        self._put(b"RIFF" + bytes(4) + b"WEBP")
        self._put(_chunk(b"VP8X", self._header(0)))
        self._put(_chunk(b"ICCP", srgb_profile()))
        self._put(_chunk(b"ANIM", struct.pack("<IH", 0xFFFFFFFF, 0)))  # for ever

    def take_over(self, path: Path) -> None:
        """Add the frames of a film that was ended before, if it has this size."""
        with suppress(OSError), path.open("rb") as file:
            file.seek(len(b"RIFF....WEBP"))
            while len(head := file.read(8)) == 8:
                kind, length = struct.unpack("<4sI", head)
                data = file.read(length)
                file.seek(length % 2, os.SEEK_CUR)
                if kind == b"VP8X" and data[4:] != self._header(0)[4:]:
                    return
                if kind == b"ANMF" and data[12:15] != _three(_LAST):
                    self._put(_chunk(kind, data))

    def add(self, image_hwc: NDArray[np.float32], milliseconds: int) -> None:
        image = Image.fromarray(np.rint(np.clip(image_hwc, 0, 255)).astype(np.uint8))
        image = image.resize(self._size, Image.Resampling.LANCZOS)
        buffer = io.BytesIO()
        image.save(buffer, "WEBP", **_OPTIONS)
        place = b"".join(map(_three, (0, 0, *self._sides, milliseconds)))
        flags = bytes([_REPLACES])
        self._put(_chunk(b"ANMF", place + flags + buffer.getvalue()[12:]))

    def end(self, text: str | None) -> None:
        if text is not None and len(text) <= metadata.LONGEST:
            exif = metadata.exif(text).removeprefix(b"Exif\0\0")
            self._put(_chunk(b"EXIF", exif))
            self._draft.write(self._header(_EXIF), offset=20)
        self._draft.write(struct.pack("<I", self._length - 8), offset=4)
        self._draft.publish()

    @property
    def _sides(self) -> tuple[int, int]:
        """Width and height as WebP has them: less one."""
        return self._size[0] - 1, self._size[1] - 1

    def _header(self, more: int) -> bytes:
        flags = bytes([_PROFILE | _ANIMATION | more, 0, 0, 0])
        return flags + b"".join(map(_three, self._sides))

    def _put(self, data: bytes) -> None:
        self._draft.write(data)
        self._length += len(data)


def _chunk(kind: bytes, data: bytes) -> bytes:
    return kind + struct.pack("<I", len(data)) + data + bytes(len(data) % 2)


def _three(number: int) -> bytes:
    """A whole number in three bytes."""
    return number.to_bytes(3, "little")
