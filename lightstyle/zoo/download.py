"""Downloads one file whose size and digest are known in advance.

The received bytes are in ``FILE.part``, and the server's name for that version of the
file (its ETag, else its date) in ``FILE.part.version``. Both stay after a failure of
any kind. The next attempt requests the rest on condition that the version is the same;
a server that has another version, or does not support ranges, sends the whole file
again. ``FILE`` itself appears only when it is complete and its digest is right.

This is written by hand because no library of a reasonable size resumes downloads across
processes, tries mirrors in turn and checks digests.
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
from ..errors import ModelError, NetworkError, UsageError
from . import https
from .cache_files import cache_errors, part_path, place, remove, version_path

#: An attempt that received this much more than those before it resets their count, so
#: that an unstable connection gets there, and the attempts are bounded all the same.
_HEADWAY_BYTES: Final = 2**20


@dataclass(frozen=True)
class Patience:
    """How long to keep trying.

    Attributes:
        timeout: Seconds without data after which a connection is given up.
        attempts: Number of attempts before giving up.
        pause: Seconds between the first two attempts; doubled after each attempt.
    """

    timeout: float = 30.0
    attempts: int = 4
    pause: float = 1.0


@dataclass(frozen=True)
class DownloadProgress:
    """Callbacks that follow a download.

    Attributes:
        report: Called with the number of bytes received, whenever it changes.
        note: Called with a line about each problem that was recovered from.
    """

    report: Callable[[int], None] = lambda done: None
    note: Callable[[str], None] = lambda line: None


def download(
    url: str,
    path: Path,
    expected: Expected,
    progress: DownloadProgress,
    patience: Patience,
) -> None:
    """Download `url` to `path`, continuing an earlier download of it.

    Args:
        url: An https URL, or an http URL of this machine.
        path: File to create; its folder must exist. No other process may be
            downloading to it.
        expected: Size and digest of the file.
        progress: Callbacks that follow the download.
        patience: How long to keep trying.

    Raises:
        UsageError: If `url` is of another kind.
        NetworkError: If the server does not send the file.
        ModelError: If it sends another file, of which nothing is kept.
        OutputError: If the file cannot be written.
    """
    if not https.is_secure(url):
        raise UsageError(f"{url}: the URL must begin with https://")
    task = _Task(url, part_path(path), expected, progress, patience)
    resumed = task.size() > 0
    try:
        task.run()
    except ModelError as error:
        if not resumed:
            raise
        # The fault may lie in the bytes from the earlier download.
        progress.note(f"{error} after a resumed download; starting over")
        task.run()
    place(path)


@dataclass(frozen=True)
class _Task:
    """A download to the file `part`."""

    url: str
    part: Path
    expected: Expected
    progress: DownloadProgress
    patience: Patience

    def size(self) -> int:
        """Return the number of bytes received."""
        try:
            return self.part.stat().st_size
        except OSError:
            return 0

    def run(self) -> None:
        """Receive and check all bytes; keep none if they are wrong."""
        self._complete()
        try:
            self.expected.check(self.part, self.url)
        except ModelError:
            self._forget()
            remove(self.part)
            raise

    def _complete(self) -> None:
        """Repeat attempts until all bytes are received."""
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
                self.progress.note(f"{self.url}: {error}; trying again")
                time.sleep(self.patience.pause * 2 ** (failures - 1))

    def _attempt(self) -> None:
        offset, version = self.size(), self._version()
        if not version or offset > self.expected.size:
            offset = 0  # it is unknown what they are a part of
        condition = {"Range": f"bytes={offset}-", "If-Range": version}
        try:
            response = https.open_url(
                self.url, condition if offset else {}, self.patience.timeout
            )
        except https.BrokenError as error:
            if error.code == 416:  # the file is shorter than the part of it here
                self._forget()
            raise
        with response:
            done = self._append(response, self._start(response, offset, version))
        if done < self.expected.size:
            raise https.BrokenError(
                f"the connection broke off after {_of(done, self.expected.size)}"
            )

    def _start(self, response: Any, offset: int, version: str) -> int:
        """Check the response's headers, and return its start offset in the file."""
        start, total = 0, response.headers.get("Content-Length", "*")
        if response.status == 206:
            content_range = response.headers.get("Content-Range", "")
            found = re.fullmatch(r"bytes (\d+)-\d+/(\d+|\*)", content_range)
            same = _version_of(response) in ("", version)
            if not (offset and found and int(found[1]) == offset and same):
                self._forget()
                raise https.BrokenError(
                    "the server sent a range that was not requested"
                )
            start, total = offset, found[2]
        elif response.status != 200:
            raise NetworkError(f"{self.url}: the server answered {response.status}")
        if total.isdecimal() and int(total) != self.expected.size:
            raise NetworkError(
                f"{self.url}: the server offers {_of(total, self.expected.size)}"
            )
        return start

    def _append(self, response: Any, start: int) -> int:
        """Write the body from offset `start` on, and return the size of the file."""
        done = start
        with cache_errors(self.part), self.part.open("ab" if start else "wb") as file:
            if not start:
                version = _version_of(response)
                version_path(self.part).write_text(version, "utf-8")
            self.progress.report(done)
            for piece in https.pieces(response):
                done += len(piece)
                if done > self.expected.size:
                    self._forget()
                    raise NetworkError(
                        f"{self.url}: got more than {self.expected.size} bytes"
                    )
                file.write(piece)
                file.flush()  # reported bytes survive a kill
                self.progress.report(done)
            os.fsync(file.fileno())
        return done

    def _version(self) -> str:
        with suppress(OSError, ValueError):
            text = version_path(self.part).read_text("utf-8")
            return text if text.isprintable() else ""
        return ""

    def _forget(self) -> None:
        """Make the next attempt start from the beginning."""
        remove(version_path(self.part))


def _of(count: int | str, size: int) -> str:
    return f"{count} of {size} bytes"


def _version_of(response: Any) -> str:
    """Return the name of the file's version: a strong ETag, or else its date."""
    tag = str(response.headers.get("ETag", ""))
    date = str(response.headers.get("Last-Modified", ""))
    return tag if tag.startswith('"') else date
