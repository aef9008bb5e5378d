"""The journal of a job: what happened to it, a JSON object a line, only ever appended.

It is the one truth about a job: its state is what the lines add up to. The server
writes the states and the worker the progress, each line in one call, which appends it
whole. The number of an event is the offset of its end in the file, so that a reader
continues where it was, whoever wrote in the meantime.
"""

import errno
import json
import os
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from time import time
from typing import Any, Final

from ..files import flush

#: Most bytes that are read at once.
_CHUNK: Final = 1_000_000


class State(StrEnum):
    """The states of a job."""

    QUEUED = "queued"
    RUNNING = "running"
    CANCELLING = "cancelling"
    DONE = "done"
    FAILED = "failed"
    CANCELLED = "cancelled"
    EXPIRED = "expired"

    @property
    def is_final(self) -> bool:
        """Whether nothing happens to the job any more unless somebody asks for it."""
        return self not in (State.QUEUED, State.RUNNING, State.CANCELLING)


class Journal:
    """The journal in a file."""

    def __init__(self, path: Path) -> None:
        """Name the file, which need not exist."""
        self.path = path

    def append(self, kind: str, **values: Any) -> None:
        """Append an event.

        A line that was cut off, as the disk was full or the power failed, is ended
        first.

        Raises:
            OSError: It cannot be written.
        """
        line = json.dumps({"event": kind, "at": round(time(), 3), **values})
        data = f"{line}\n".encode()
        flags = os.O_RDWR | os.O_APPEND | os.O_CREAT | getattr(os, "O_BINARY", 0)
        file = os.open(self.path, flags, 0o600)
        try:
            size = os.fstat(file).st_size
            if size:
                os.lseek(file, size - 1, os.SEEK_SET)
                if os.read(file, 1) != b"\n":
                    data = b"\n" + data
            if os.write(file, data) < len(data):
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        finally:
            os.close(file)

    def state(self, state: State, **values: Any) -> None:
        """Append a change of state."""
        self.append("state", state=state, **values)

    def flush(self) -> None:
        """Wait until all is on the disk, unless the job was erased meanwhile.

        Raises:
            OSError: It cannot be written.
        """
        with suppress(FileNotFoundError):
            flush(self.path)

    def after(self, offset: int) -> Iterator[tuple[int, dict[str, Any]]]:
        """Yield each whole event after an offset, with the offset of its end."""
        for end, line in self.lines(offset):
            if event := parsed(line):
                yield end, event

    def lines(self, offset: int) -> Iterator[tuple[int, bytes]]:
        """Yield each whole line after an offset, with the offset of its end."""
        try:
            with self.path.open("rb") as file:
                file.seek(offset)
                while lines := file.readlines(_CHUNK):
                    for line in lines:
                        if not line.endswith(b"\n"):
                            return
                        offset += len(line)
                        yield offset, line
        except FileNotFoundError:
            return

    @property
    def size(self) -> int:
        """Number of bytes of the file."""
        try:
            return self.path.stat().st_size
        except FileNotFoundError:
            return 0


def parsed(line: bytes) -> dict[str, Any] | None:
    """Return the event that a line is, None if it is none."""
    try:
        event = json.loads(line)
    except ValueError:
        return None
    return event if _is_event(event) else None


def _is_event(found: object) -> bool:
    """Whether a line has what `Status` reads: one that was damaged counts as none."""
    match found:
        case {"event": "state", "state": str(state), "at": int() | float()}:
            return state in {*State}
        case {"event": "progress", "evaluation": int()}:
            return True
        case {"event": "preview", "version": int()}:
            return True
        case {"event": str(kind)}:
            return kind not in ("state", "progress", "preview")
    return False


@dataclass
class JournalStatus:
    """What a journal adds up to.

    Attributes:
        state: State of the job.
        since: When that began.
        turn: Number of times that it was retried.
        attempt: Number of times that it was started.
        deaths: Times in a row that its process died without coming any further.
        crashes: The same of the server, which may have died of something else.
        seconds: Time that finished attempts have taken.
        evaluation: Number of the last evaluation.
        furthest: Highest number of an evaluation.
        progress: Last progress.
        preview: Number of the last preview; 0 if there is none.
        outcome: What is known of its end.
        erase: Whether it is to be erased as soon as nothing works on it.
        offset: Offset up to which the journal was read.
    """

    state: State = State.QUEUED
    since: float = 0.0
    turn: int = 0
    attempt: int = 0
    deaths: int = 0
    crashes: int = 0
    seconds: float = 0.0
    evaluation: int = 0
    furthest: int = 0
    progress: dict[str, Any] = field(default_factory=dict)
    preview: int = 0
    outcome: dict[str, Any] = field(default_factory=dict)
    erase: bool = False
    offset: int = 0

    def update(self, journal: Journal) -> None:
        """Take in what was appended since the last time."""
        if journal.size > self.offset:
            for end, event in journal.after(self.offset):
                self._add(event)
                self.offset = end

    def _add(self, event: dict[str, Any]) -> None:
        match event["event"]:
            case "state":
                self._change(State(event["state"]), event)
            case "progress":
                self.progress = event
                self.evaluation = event["evaluation"]
                if self.evaluation > self.furthest:
                    self.furthest = self.evaluation
                    self.deaths = self.crashes = 0
            case "preview":
                self.preview = event["version"]

    def _change(self, state: State, event: dict[str, Any]) -> None:
        active = (State.RUNNING, State.CANCELLING)
        if self.state in active and state not in active:
            self.seconds += event["at"] - self.since
        self.deaths += "died" in event
        self.crashes += self.state is State.RUNNING and state is State.RUNNING
        if state is State.RUNNING:
            self.attempt += 1
        if event.get("retry"):
            self.turn += 1
            self.deaths, self.crashes, self.seconds = 0, 0, 0.0
        self.erase |= event.get("erase", False)
        if state is not State.CANCELLING:
            self.since = event["at"]
        self.state = state
        self.outcome = event if state.is_final else {}
        if state.is_final:  # many such jobs are kept: the journal has the rest
            self.progress = {k: v for k, v in self.progress.items() if k != "terms"}
