"""The events of a job as server-sent events, from any point on."""

import asyncio
import json
from collections import Counter
from collections.abc import AsyncIterator, Callable
from functools import lru_cache
from time import monotonic
from typing import Final

from .journal import parsed
from .limits import Limits
from .problems import ProblemError
from .store import Job

#: Seconds between two looks into the journal.
_POLL: Final = 0.2

#: Bytes after which what is known is sent before more is read.
_BURST: Final = 64_000


class Streams:
    """Counts the open streams, and ends them when the server does."""

    def __init__(self, limits: Limits) -> None:
        """Open none yet."""
        self._limits = limits
        self._open = Counter[str]()
        self.closing = False

    @property
    def count(self) -> int:
        """Number of open streams."""
        return self._open.total()

    def check(self, client: str) -> None:
        """Check that a client may open another stream.

        Raises:
            ProblemError: There are too many.
        """
        limits = self._limits
        if self.count >= limits.streams or self._open[client] >= limits.streams_each:
            raise ProblemError(
                "streams_full",
                f"at most {limits.streams_each} streams of a client and "
                f"{limits.streams} in all: close one, or ask for the status instead",
                retry_after=10,
            )

    async def events(
        self, job: Job, offset: int, client: str, gone: Callable[[], bool]
    ) -> AsyncIterator[bytes]:
        """Yield the events of a job after an offset, and signs of life between them.

        The stream ends with the last event of the job, or with ``server-closing``.

        Args:
            job: The job.
            offset: Number of the last event that the client has.
            client: Who it is.
            gone: Whether the job was erased.
        """
        self._open[client] += 1
        try:
            yield b"retry: 2000\n\n"
            spoke = monotonic()
            while not (self.closing or gone()):
                status, lines = job.look(), b""
                final, new = status.state.is_final, status.offset > offset
                for end, line in job.folder.journal.lines(offset) if new else ():
                    offset = end
                    lines += _message(end, line)
                    if len(lines) > _BURST:
                        yield lines
                        lines = b""
                if lines:
                    yield lines
                    spoke = monotonic()
                if final:
                    return
                if monotonic() - spoke > self._limits.ping:
                    yield b"event: ping\ndata: {}\n\n"
                    spoke = monotonic()
                await asyncio.sleep(_POLL)
            if self.closing:
                yield b"event: server-closing\ndata: {}\n\n"
        finally:
            self._open[client] -= 1
            if not self._open[client]:
                del self._open[client]


@lru_cache(maxsize=1024)  # many clients are sent the same
def _message(number: int, line: bytes) -> bytes:
    """Return an event as it is sent; nothing if the line is none."""
    event = parsed(line)
    if event is None:
        return b""
    kind = event.pop("event")
    return f"id: {number}\nevent: {kind}\ndata: {json.dumps(event)}\n\n".encode()


def has_ended(job: Job, offset: int) -> bool:
    """Whether there is nothing more to send to a client that has the events so far."""
    status = job.look()
    return status.state.is_final and offset >= status.offset
