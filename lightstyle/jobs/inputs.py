"""The pictures of a batch: all in a folder, matching a pattern, or in a failures list.

Each picture has a root: its result lies below the output folder as the picture lies
below its root.
"""

import glob
import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from PIL import Image

from .. import lookup
from ..errors import ImageError, UsageError
from ..images import encoding, foreign
from ..images.pillow_guard import FORMATS
from ..records import in_picture
from . import failures

#: Suffixes that a result keeps: those of formats that can hold a record.
_KEPT: Final = frozenset(s for s, kind in encoding.FORMATS.items() if kind != "BMP")

#: Suffixes that a result keeps, by its bits per channel.
_DEPTHS: Final = {8: _KEPT, 16: frozenset({".png", ".tif", ".tiff"})}


@dataclass(frozen=True)
class InputFile:
    """A picture to paint.

    Attributes:
        path: Path of the picture.
        root: Folder above it that the output folder mirrors.
    """

    path: Path
    root: Path

    def output(self, folder: Path, bits: int) -> Path:
        """Return the path of its result below the output `folder`.

        The result keeps the suffix if that format can hold so many bits per channel
        and a record; otherwise it becomes a PNG.
        """
        target = folder / self.path.relative_to(self.root)
        suffix = target.suffix.lower()
        if suffix in _DEPTHS[bits]:
            return target
        return target.with_name(f"{_stem(target)}.png")


class BatchInputs:
    """Finds the pictures of a batch, any number of times.

    Attributes:
        given: The folder, pattern or list, as a person wrote it.
        is_list: Whether it is a failures list.
        made: Pictures in the folder that lightstyle made, which are left out.
        roots: Root of each picture found so far, by path.
        unreadable: Why folders could not be read, by path.
        left_out: Why pictures in the folder cannot be read, by path.
    """

    def __init__(self, given: str, folder: Path) -> None:
        """Tell a folder, a pattern and a list apart.

        Args:
            given: A folder, a pattern such as ``photos/**/*.jpg``, or a list that
                `failures` wrote.
            folder: The output folder. Pictures in it are results and are left out,
                unless all inputs lie below it.

        Raises:
            ImageError: There is no such folder or list.
            UsageError: It is one picture, or `folder` is the folder of the inputs.
        """
        self.given = given
        self.is_list = False
        path = Path(given)
        self._find: Callable[[], Iterator[Path]] = self._in_folder
        if failures.is_list(path):
            self.is_list = True
        elif lookup.is_file(path):
            raise UsageError(
                f"content {given} is one picture: give its folder, or a pattern in "
                "quotes such as 'photos/*.jpg'; for one picture use `lightstyle "
                "stylize`"
            )
        elif glob.has_magic(given) and not lookup.is_folder(path):
            self.root = _fixed_part(path)
            self._pattern = str(path.relative_to(self.root))
            self._find = self._matching
        else:
            self.root = path
            self._check_root()
        self._results = None if self.is_list else self._inside(folder)
        self.made: set[Path] = set()
        self.roots: dict[Path, Path] = {}
        self.unreadable: dict[Path, str] = {}
        self.left_out: dict[Path, str] = {}

    def find(self) -> list[InputFile]:
        """Find all pictures that are there now, sorted by path.

        Raises:
            ImageError: The folder cannot be read.
            UsageError: The list is not a failures list.
        """
        if self.is_list:
            self.roots.update(failures.read(Path(self.given)))
            return [InputFile(path, root) for path, root in sorted(self.roots.items())]
        found = sorted({path for path in self._find() if not self._is_result(path)})
        if self._find == self._in_folder:
            self.made = {path for path in found if in_picture.is_at_start(path)}
            found = [path for path in found if path not in self.made]
        self.roots.update(dict.fromkeys(found, self.root))
        return [InputFile(path, self.root) for path in found]

    def _check_root(self) -> None:
        """Raise an `ImageError` if the root cannot be read."""
        try:
            os.scandir(self.root).close()
        except FileNotFoundError as error:
            raise ImageError(
                f"content {self.given}: no such folder; check the path"
            ) from error
        except OSError as error:
            raise ImageError(
                f"content {self.root}: the folder cannot be read: {error.strerror}"
            ) from error

    def _in_folder(self) -> Iterator[Path]:
        for folder, inner, names in os.walk(self.root, onerror=self._note):
            inner[:] = [name for name in inner if not name.startswith(".")]
            for name in names:
                path = Path(folder, name)
                if name.startswith(".") or not lookup.is_file(path):
                    continue
                if path.suffix.lower() in readable():
                    yield path
                elif problem := foreign.problem_of(path.suffix):
                    self.left_out[path] = problem

    def _matching(self) -> Iterator[Path]:
        self._check_root()
        # Not pathlib's, which finds hidden files as well.
        names = glob.iglob(self._pattern, root_dir=self.root, recursive=True)  # noqa: PTH207
        for name in names:
            if lookup.is_file(path := self.root / name):
                yield path

    def _note(self, error: OSError) -> None:
        path = Path(error.filename)
        if path == self.root:
            self._check_root()
        self.unreadable[path] = f"the folder cannot be read: {error.strerror}"

    def _inside(self, folder: Path) -> Path | None:
        """Return the real path of the output `folder` if it lies below the root."""
        real, root = (Path(os.path.realpath(path)) for path in (folder, self.root))
        if real == root:
            raise UsageError(
                f"output {folder} is the folder of the pictures: give another one; it "
                "may be inside that folder"
            )
        return real if real.is_relative_to(root) else None

    def _is_result(self, path: Path) -> bool:
        if self._results is None:
            return False
        return Path(os.path.realpath(path)).is_relative_to(self._results)


def readable() -> frozenset[str]:
    """Return the suffixes of the picture formats that can be read."""
    Image.init()
    known = Image.registered_extensions()
    own = frozenset(suffix for suffix, kind in known.items() if kind in FORMATS)
    return own | {".pam"} | foreign.suffixes_read()


def _stem(path: Path) -> str:
    """Return the name without its suffix, if that is one of a picture format."""
    return path.stem if path.suffix.lower() in readable() else path.name


def _fixed_part(pattern: Path) -> Path:
    """Return the folder before the first part of `pattern` that has a wildcard.

    The name of a folder that is there has none, whatever brackets are in it.
    """
    folder = Path()
    for part in pattern.parts[:-1]:
        if glob.has_magic(part) and not lookup.is_folder(folder / part):
            break
        folder /= part
    return folder
