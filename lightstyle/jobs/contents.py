"""The pictures of a batch: those of a folder, of a pattern, or of a list of failures.

Each knows the folder that it is mirrored from: its file in the output folder lies as
deep as it does there.
"""

import glob
import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from PIL import Image

from ..errors import ImageError, UsageError
from ..images import encoding
from ..images.pillow_guard import FORMATS
from . import failures

#: Formats that a content keeps: those whose files can say what made them.
_KEPT: Final = frozenset(s for s, kind in encoding.FORMATS.items() if kind != "BMP")

_DEPTHS: Final = {8: _KEPT, 16: frozenset({".png", ".tif", ".tiff"})}


@dataclass(frozen=True)
class Content:
    """A picture to paint, and the folder that it is mirrored from."""

    path: Path
    root: Path

    def output(self, folder: Path, bits: int) -> Path:
        """Where its result goes, below the output `folder`.

        It keeps its suffix, if files of that format can hold the result and what made
        it, and becomes a PNG otherwise.
        """
        target = folder / self.path.relative_to(self.root)
        suffix = target.suffix.lower()
        if suffix in _DEPTHS[bits]:
            return target
        return target.with_name(f"{_stem(target)}.png")


class Contents:
    """Where the pictures of a batch are, to be looked for any number of times.

    Attributes:
        given: What a person calls it.
        is_list: Whether it is a list of failures.
        roots: The folder that each picture found so far is mirrored from.
        unreadable: Why folders in it could not be read, by path.
    """

    def __init__(self, given: str, folder: Path) -> None:
        """Find out what was given.

        Args:
            given: A folder, a pattern such as ``photos/**/*.jpg``, or a list that
                `failures` wrote.
            folder: Where results go. What lies there is no content, unless the
                pictures themselves are in a folder below it.

        Raises:
            ImageError: There is no such folder or list.
            UsageError: It is one picture, or `folder` is the pictures' own.
        """
        self.given = given
        self.is_list = False
        path = Path(given)
        if path.is_dir():
            self.root = path
            self._find: Callable[[], Iterator[Path]] = self._in_folder
        elif failures.is_list(path):
            self.is_list = True
        elif path.is_file():
            raise UsageError(
                f"content {given} is one picture: give its folder, or a pattern in "
                "quotes such as 'photos/*.jpg'; for one there is `lightstyle stylize`"
            )
        elif glob.has_magic(given):
            self.root = _fixed_part(path)
            self._find = self._matching
        else:
            raise ImageError(f"content {given}: no such folder; check the path")
        self._results = None if self.is_list else self._inside(folder)
        self.roots: dict[Path, Path] = {}
        self.unreadable: dict[Path, str] = {}

    def find(self) -> list[Content]:
        """All pictures that there are now, sorted by path.

        Raises:
            ImageError: The folder cannot be read.
            UsageError: The list is none.
        """
        if self.is_list:
            self.roots.update(failures.read(Path(self.given)))
            return [Content(path, root) for path, root in sorted(self.roots.items())]
        found = sorted({path for path in self._find() if not self._is_result(path)})
        self.roots.update(dict.fromkeys(found, self.root))
        return [Content(path, self.root) for path in found]

    def _in_folder(self) -> Iterator[Path]:
        for folder, inner, names in os.walk(self.root, onerror=self._note):
            inner[:] = [name for name in inner if not name.startswith(".")]
            for name in names:
                path = Path(folder, name)
                known = not name.startswith(".") and path.suffix.lower() in readable()
                if known and path.is_file():
                    yield path

    def _matching(self) -> Iterator[Path]:
        # Not pathlib's, which finds hidden files, too.
        for name in glob.iglob(self.given, recursive=True):  # noqa: PTH207
            if (path := Path(name)).is_file():
                yield path

    def _note(self, error: OSError) -> None:
        path = Path(error.filename)
        if path == self.root:
            raise ImageError(
                f"content {path}: the folder cannot be read: {error.strerror}"
            ) from error
        self.unreadable[path] = f"the folder cannot be read: {error.strerror}"

    def _inside(self, folder: Path) -> Path | None:
        """The real path of the output `folder`, if it is below the pictures'."""
        real, root = (Path(os.path.realpath(path)) for path in (folder, self.root))
        if real == root:
            raise UsageError(
                f"output {folder} is the folder of the pictures: give another one, "
                "which may be inside it"
            )
        return real if real.is_relative_to(root) else None

    def _is_result(self, path: Path) -> bool:
        if self._results is None:
            return False
        return Path(os.path.realpath(path)).is_relative_to(self._results)


def readable() -> frozenset[str]:
    """Suffixes of files that may be pictures."""
    Image.init()
    known = Image.registered_extensions()
    return frozenset(suffix for suffix, kind in known.items() if kind in FORMATS)


def _stem(path: Path) -> str:
    """The name without a suffix that stands for a format."""
    return path.stem if path.suffix.lower() in readable() else path.name


def _fixed_part(pattern: Path) -> Path:
    """The folder up to the first part of the pattern that is not a plain name."""
    parts = pattern.parts[:-1]
    plain = next((n for n, p in enumerate(parts) if glob.has_magic(p)), len(parts))
    return Path(*parts[:plain])
