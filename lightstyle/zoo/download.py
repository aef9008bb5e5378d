"""Downloads one file whose size and digest are known before.

What has arrived lies in ``FILE.part``, and the server's name for that version of the
file (its ETag, else its date) in ``FILE.part.version``. A break of any kind leaves both
behind. The next attempt asks for the rest, under the condition that the version is the
same; a server that has another one, or knows no ranges, sends the whole file again.
``FILE`` itself appears only when all of it is there and its digest is right.
"""

import os
import re
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from ..digest import Expected
from ..errors import ModelError, NetworkError, OutputError, UsageError
from . import https

#: An attempt that came so much farther than those before it is the first of a new
#: series: a line that breaks now and then gets there, and yet the attempts are bounded.
_HEADWAY_BYTES: Final = 2**20


@dataclass(frozen=True)
class Patience:
    """How long to try.

    Attributes:
        timeout: Seconds without a byte after which a connection is given up.
        attempts: How often to try before giving up.
        pause: Seconds between the first two attempts; twice that between the next two.
    """

    timeout: float = 30.0
    attempts: int = 4
    pause: float = 1.0


PATIENCE: Final = Patience()


@dataclass(frozen=True)
class DownloadProgress:
    """Whom to tell what is going on.

    Attributes:
        report: Called with the bytes that are there, whenever there are more or fewer.
        note: Called with a line about anything unexpected that is coped with.
    """

    report: Callable[[int], None] = lambda done: None
    note: Callable[[str], None] = lambda line: None


def download(
    url: str,
    path: Path,
    expected: Expected,
    watcher: DownloadProgress,
    patience: Patience = PATIENCE,
) -> None:
    """Download `url` to `path`, from where an earlier download of it broke off.

    Args:
        url: https, or http on this machine.
        path: The file to be made; its folder must exist. Nobody else may be
            downloading to it.
        expected: Its size and digest.
        watcher: Whom to tell about it.
        patience: How long to try.

    Raises:
        UsageError: `url` is of another kind.
        NetworkError: The server does not give the file.
        ModelError: It gives another file. Nothing of that is kept.
        OutputError: The file cannot be written.
    """
    if not https.is_secure(url):
        raise UsageError(f"{url}: expected a URL that begins with https://")
    task = _Task(url, part_path(path), expected, watcher, patience)
    resumed = task.size() > 0
    try:
        task.run()
    except ModelError as error:
        if not resumed:
            raise
        # What was here before may be what is wrong.
        watcher.note(f"{error}, after resuming; starting over")
        task.run()
    place(path)


def part_path(path: Path) -> Path:
    """Where what has arrived of `path` lies."""
    return path.with_name(f"{path.name}.part")


def place(path: Path) -> None:
    """Make what has arrived of `path` the file itself.

    Raises:
        OutputError: The file system fails.
    """
    try:
        part_path(path).replace(path)
    except OSError as error:
        raise unwritable(path, error) from error
    remove(_version_path(part_path(path)))


def remove(path: Path) -> None:
    """Remove a file of the cache folder, if it is there.

    Raises:
        OutputError: The file system fails.
    """
    try:
        path.unlink(missing_ok=True)
    except OSError as error:
        raise unwritable(path, error) from error


def unwritable(path: Path, error: OSError) -> OutputError:
    """The error for a file in the cache folder that cannot be written."""
    return OutputError(
        f"cannot write {path}: {error.strerror}; choose another folder with "
        "LIGHTSTYLE_CACHE"
    )


@dataclass(frozen=True)
class _Task:
    """One download, to the file `part`."""

    url: str
    part: Path
    expected: Expected
    watcher: DownloadProgress
    patience: Patience

    def size(self) -> int:
        """Bytes that are there."""
        try:
            return self.part.stat().st_size
        except OSError:
            return 0

    def run(self) -> None:
        """Get all bytes and check them; if they are wrong, none is kept."""
        self._complete()
        try:
            self.expected.check(self.part, self.url)
        except ModelError:
            self._forget()
            remove(self.part)
            raise

    def _complete(self) -> None:
        """Attempt it until all bytes are there."""
        failures, farthest = 0, self.size()
        while self.size() != self.expected.size:
            try:
                self._attempt()
            except https.BrokenError as error:
                headway = self.size() - farthest
                farthest = max(farthest, self.size())
                failures = 1 if headway >= _HEADWAY_BYTES else failures + 1
                if failures >= self.patience.attempts:
                    raise NetworkError(f"{self.url}: {error}") from error
                self.watcher.note(f"{self.url}: {error}; trying again")
                time.sleep(self.patience.pause * 2 ** (failures - 1))

    def _attempt(self) -> None:
        offset, version = self.size(), self._version()
        if not version or offset > self.expected.size:
            offset = 0  # nothing tells what it is a part of
        condition = {"Range": f"bytes={offset}-", "If-Range": version}
        try:
            response = https.open_url(
                self.url, condition if offset else {}, self.patience.timeout
            )
        except https.BrokenError as error:
            if error.code == 416:  # the file is shorter than what we have of it
                self._forget()
            raise
        with response:
            done = self._append(response, self._start(response, offset, version))
        if done < self.expected.size:
            raise https.BrokenError(
                f"it broke off after {_of(done, self.expected.size)}"
            )

    def _start(self, response: Any, offset: int, version: str) -> int:
        """Check the head of the response; position in the file at which it begins."""
        start, total = 0, response.headers.get("Content-Length", "*")
        if response.status == 206:
            content_range = response.headers.get("Content-Range", "")
            found = re.fullmatch(r"bytes (\d+)-\d+/(\d+|\*)", content_range)
            same = _version_of(response) in ("", version)
            if not (offset and found and int(found[1]) == offset and same):
                self._forget()
                raise https.BrokenError("it sends another part than was asked for")
            start, total = offset, found[2]
        elif response.status != 200:
            raise NetworkError(f"{self.url}: it answers {response.status}")
        if total.isdecimal() and int(total) != self.expected.size:
            raise NetworkError(
                f"{self.url}: it offers {_of(total, self.expected.size)}"
            )
        return start

    def _append(self, response: Any, start: int) -> int:
        """Write what comes, from `start` on, and return the size the file then has."""
        done = start
        try:
            with self.part.open("ab" if start else "wb") as file:
                if not start:
                    version = _version_of(response)
                    _version_path(self.part).write_text(version, "utf-8")
                self.watcher.report(done)
                for piece in https.pieces(response):
                    done += len(piece)
                    if done > self.expected.size:
                        self._forget()
                        raise NetworkError(
                            f"{self.url}: it sends more than {self.expected.size} bytes"
                        )
                    file.write(piece)
                    file.flush()  # what was reported is there, even after a kill
                    self.watcher.report(done)
                os.fsync(file.fileno())
        except OSError as error:
            raise unwritable(self.part, error) from error
        return done

    def _version(self) -> str:
        with suppress(OSError, ValueError):
            text = _version_path(self.part).read_text("utf-8")
            return text if text.isprintable() else ""
        return ""

    def _forget(self) -> None:
        """Have the next attempt begin at the beginning."""
        remove(_version_path(self.part))


def _of(count: int | str, size: int) -> str:
    return f"{count} of {size} bytes"


def _version_of(response: Any) -> str:
    """What names the file's version: an ETag that stands for its bytes, or its date."""
    tag = str(response.headers.get("ETag", ""))
    date = str(response.headers.get("Last-Modified", ""))
    return tag if tag.startswith('"') else date


def _version_path(part: Path) -> Path:
    return part.with_name(f"{part.name}.version")
