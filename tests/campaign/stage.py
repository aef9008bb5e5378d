"""The folder that commands run in: good files, one mangled, and what is left there."""

import os
import shutil
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

#: Size and time of a file, and the file itself.
_Look = tuple[int, int, int]


@dataclass(frozen=True)
class Changes:
    """What a command did to its folder.

    Attributes:
        new: Files that it left.
        changed: Files that it changed or removed.
    """

    new: tuple[str, ...]
    changed: tuple[str, ...]


class Stage:
    """A folder of good files, which is the current one."""

    def __init__(self, root: Path) -> None:
        """Make `root` the current folder, and the home of whatever is run."""
        self.root = root
        tempfile.tempdir = str(root / "temporary")
        self._good: dict[str, bytes] = {}
        os.chdir(root)
        for variable, name in (
            ("HOME", "home"),
            ("XDG_CACHE_HOME", "home"),
            ("TMPDIR", "temporary"),
            ("LIGHTSTYLE_CACHE", "cache"),
        ):
            (root / name).mkdir(exist_ok=True)
            os.environ[variable] = str(root / name)

    def add(self, good: Mapping[str, bytes]) -> None:
        """Add good files, by their paths in the folder."""
        self._good.update(good)
        for path, data in good.items():
            self._write(path, data)

    def lay(self, path: str, data: bytes) -> dict[str, _Look]:
        """Write the mangled file; return how the folder looks then."""
        self._write(path, data)
        return self._looks()

    def changes(self, before: Mapping[str, _Look]) -> Changes:
        """Return what is otherwise than `before`."""
        after = self._looks()
        changed = (path for path in before if after.get(path) != before[path])
        return Changes(tuple(sorted(after.keys() - before.keys())), tuple(changed))

    def restore(self, path: str, changes: Changes) -> None:
        """Undo what a command did, and take the mangled file at `path` away."""
        for each in {path, *changes.new, *changes.changed}:
            if each in self._good:
                self._write(each, self._good[each])
            else:
                Path(each).unlink(missing_ok=True)

    def _write(self, path: str, data: bytes) -> None:
        place = Path(path)
        if not place.parent.is_dir():
            place.parent.mkdir(parents=True)
        if place.is_dir():
            shutil.rmtree(place)
        place.write_bytes(data)

    def _looks(self) -> dict[str, _Look]:
        found: dict[str, _Look] = {}
        folders = ["."]
        while folders:
            with os.scandir(folders.pop()) as entries:
                for entry in entries:
                    if entry.is_dir(follow_symlinks=False):
                        folders.append(entry.path)
                        continue
                    look = entry.stat(follow_symlinks=False)
                    found[entry.path[2:]] = look.st_ino, look.st_size, look.st_mtime_ns
        return found
