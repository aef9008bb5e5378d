"""Films a run: its picture every few evaluations, as an animated WebP.

Frames are encoded one by one and written at once, so that a film of any length takes
the memory of one picture; Pillow would hold them all. The file appears when it is
complete. The container is RIFF, as the WebP specification has it: VP8X lists the
features, ANIM makes the film repeat, and each ANMF holds a frame as a file of its own
would.
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
from ..errors import OutputError
from ..files import Draft
from ..images import metadata
from ..images.encoding import srgb_profile
from ..settings.choices import Metadata
from .result import Progress, Result

#: Approximate number of frames by default.
FRAMES: Final = 60

#: Longest side of a film, in pixels; larger pictures are reduced to it.
LONGEST: Final = 1024

#: Duration of a frame and of the last frame, in milliseconds.
_EACH, _LAST = 80, 3000

_OPTIONS: Final = {"quality": 85, "method": 4}

#: Flags of VP8X: colour profile, alpha, EXIF data, animation.
_PROFILE, _ALPHA, _EXIF, _ANIMATION = 0x20, 0x10, 0x08, 0x02

#: What an ANMF takes of a file: alpha, and either kind of picture.
_OF_A_FRAME: Final = (b"ALPH", b"VP8 ", b"VP8L")

#: Most bytes of a RIFF file, whose length is an integer of 32 bits.
_MOST_BYTES: Final = 2**32 - 2

#: Flag of a frame: it replaces the one before instead of being blended with it.
_REPLACES: Final = 0x02


class Timelapse:
    """Films a run: a callback, and the context in which it may be called."""

    def __init__(self, path: Path, every: int, *, resumed: bool = False) -> None:
        """Prepare a film.

        Args:
            path: The file; its folder must exist.
            every: Evaluations from frame to frame; 0 for about `FRAMES` frames.
            resumed: Whether to continue the film at `path`.
        """
        self._path, self._every = path, every
        self._resumed = resumed
        self._stack = ExitStack()
        self._film: _Film | None = None

    def __enter__(self) -> Self:
        """Enter; nothing is written before the first frame."""
        return self

    def __exit__(self, *error: object) -> None:
        """Remove an unfinished film."""
        self.discard()

    def __call__(self, progress: Progress) -> None:
        """Add the best picture so far, if it is time.

        Raises:
            OutputError: If the film cannot be written.
        """
        every = self._every or max(1, progress.settings.iterations // FRAMES)
        if self._film is None:
            draft = self._stack.enter_context(Draft(self._path))
            has_alpha = progress.alpha_hw is not None
            self._film = _Film(draft, progress.record.size, has_alpha=has_alpha)
            if self._resumed:
                self._film.take_over(self._path)
        elif progress.evaluation % every:
            return
        self._film.add(progress.image_hwc, _EACH, progress.alpha_hw)

    def finish(self, result: Result) -> None:
        """Add the result, and publish the film.

        Raises:
            OutputError: If it cannot be written.
        """
        if self._film is not None:
            self._film.add(result.image_hwc, _LAST, result.alpha_hw)
            silent = result.settings.metadata == Metadata.NONE
            self._film.end(None if silent else str(result.record))

    def discard(self) -> None:
        """Give up the film, and the space that it takes."""
        self._stack.close()
        self._film = None


class _Film:
    """A file to which frames are appended."""

    def __init__(self, draft: Draft, size: Size, *, has_alpha: bool = False) -> None:
        scale = min(1.0, LONGEST / max(size))
        self._size = max(1, round(size[0] * scale)), max(1, round(size[1] * scale))
        self._draft = draft
        self._flags = _PROFILE | _ANIMATION | (_ALPHA if has_alpha else 0)
        self._length = 0
        self._put(b"RIFF" + bytes(4) + b"WEBP")
        self._put(_chunk(b"VP8X", self._header(0)))
        self._put(_chunk(b"ICCP", srgb_profile()))
        self._put(_chunk(b"ANIM", struct.pack("<IH", 0xFFFFFFFF, 0)))  # endlessly

    def take_over(self, path: Path) -> None:
        """Copy the frames of an earlier film, if it has the same size."""
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

    def add(
        self,
        image_hwc: NDArray[np.float32],
        milliseconds: int,
        alpha_hw: NDArray[np.float32] | None = None,
    ) -> None:
        planes = image_hwc if alpha_hw is None else np.dstack([image_hwc, alpha_hw])
        image = Image.fromarray(np.rint(np.clip(planes, 0, 255)).astype(np.uint8))
        image = image.resize(self._size, Image.Resampling.LANCZOS)
        buffer = io.BytesIO()
        image.save(buffer, "WEBP", **_OPTIONS)
        place = b"".join(map(_three, (0, 0, *self._sides, milliseconds)))
        flags = bytes([_REPLACES])
        self._put(_chunk(b"ANMF", place + flags + _frame_of(buffer.getvalue())))

    def end(self, text: str | None) -> None:
        if text is not None and len(text) <= metadata.LONGEST:
            exif = metadata.exif(text).removeprefix(b"Exif\0\0")
            self._put(_chunk(b"EXIF", exif))
            self._draft.write(self._header(_EXIF), offset=20)
        self._draft.write(struct.pack("<I", self._length - 8), offset=4)
        self._draft.publish()

    @property
    def _sides(self) -> tuple[int, int]:
        """Width and height as WebP stores them, less one."""
        return self._size[0] - 1, self._size[1] - 1

    def _header(self, more: int) -> bytes:
        flags = bytes([self._flags | more, 0, 0, 0])
        return flags + b"".join(map(_three, self._sides))

    def _put(self, data: bytes) -> None:
        self._length += len(data)
        if self._length > _MOST_BYTES:
            raise OutputError(
                f"timelapse: the film has more than {_MOST_BYTES / 1e9:.1f} GB, which "
                "WebP cannot hold; choose a larger --save-every"
            )
        self._draft.write(data)


def _frame_of(file: bytes) -> bytes:
    """Return the chunks of a WebP file that a frame consists of."""
    chunks, at = [], len(b"RIFF....WEBP")
    while at < len(file):
        kind, length = struct.unpack_from("<4sI", file, at)
        if kind in _OF_A_FRAME:
            chunks.append(_chunk(kind, file[at + 8 : at + 8 + length]))
        at += 8 + length + length % 2
    return b"".join(chunks)


def _chunk(kind: bytes, data: bytes) -> bytes:
    return kind + struct.pack("<I", len(data)) + data + bytes(len(data) % 2)


def _three(number: int) -> bytes:
    """Encode an integer in three bytes."""
    return number.to_bytes(3, "little")
