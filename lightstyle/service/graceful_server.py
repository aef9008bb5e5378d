"""Uvicorn as the service needs it.

Told to stop, it takes no more jobs, ends the streams, lets the running jobs write their
checkpoints, and leaves them in the queue. Told again, it ends at once. Meanwhile it
removes jobs that are kept no longer.
"""

import asyncio
import logging
import socket
import threading
from collections.abc import Callable
from contextlib import suppress
from types import FrameType
from typing import Any, Final

import uvicorn
from uvicorn.protocols.http.h11_impl import H11Protocol

from .limits import Limits
from .service import Service

#: Seconds between two sweeps for jobs that are kept no longer.
_SWEEP: Final = 30.0


class GracefulServer(uvicorn.Server):
    """Uvicorn, which also ends the streams and the jobs when it is told to stop."""

    def __init__(
        self, app: Any, service: Service, limits: Limits, log: Callable[[str], None]
    ) -> None:
        """Prepare to serve an application.

        Args:
            app: The application.
            service: What it works with.
            limits: Limits of connections, and of the time to stop.
            log: Takes what the operator should know, a line at a time.
        """
        super().__init__(
            uvicorn.Config(
                app,
                http=_protocol(limits),
                lifespan="off",
                log_config=None,
                access_log=False,
                server_header=False,
                limit_concurrency=limits.connections,
                timeout_graceful_shutdown=int(limits.closing),
            )
        )
        logger = logging.getLogger("uvicorn.error")
        logger.handlers, logger.propagate = [_Faults(log)], False
        # What it says are faults of clients, who are told.
        logging.getLogger("python_multipart").setLevel(logging.ERROR)
        self._service, self._log = service, log

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """Stop, or at the second signal, stop at once."""
        self.force_exit = self.should_exit
        super().handle_exit(sig, frame)

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Also begin to sweep."""
        await super().startup(sockets)
        self._sweeping = asyncio.create_task(self._sweep())

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """End the streams and the jobs first."""
        self._log("stopping: running jobs go back to the queue")
        self._service.close()
        self._sweeping.cancel()
        jobs = threading.Thread(target=self._service.foreman.close, daemon=True)
        jobs.start()
        while jobs.is_alive() and not self.force_exit:  # readyz still answers
            await asyncio.sleep(0.1)
        await super().shutdown(sockets)

    async def _sweep(self) -> None:
        store = self._service.store
        while True:
            with suppress(OSError):  # the disk is full: the next time, perhaps
                await asyncio.to_thread(store.sweep)
            known = {job.spec.id for job in store.jobs()}
            await asyncio.to_thread(self._service.queue.keep, known)
            await asyncio.sleep(_SWEEP)


class _Faults(logging.Handler):
    """Hands faults of requests to the log of the server, on a line each."""

    def __init__(self, log: Callable[[str], None]) -> None:
        super().__init__(logging.ERROR)
        self._log = log

    def emit(self, record: logging.LogRecord) -> None:
        error = record.exc_info[1] if record.exc_info else None
        why = f": {type(error).__name__}: {error}" if error else ""
        self._log(f"{record.getMessage().splitlines()[0]}{why}")


def _protocol(limits: Limits) -> type[H11Protocol]:
    """Return a protocol that closes connections on which no request begins."""

    class Protocol(H11Protocol):
        def connection_made(self, transport: Any) -> None:
            super().connection_made(transport)
            self._patience = self.loop.call_later(limits.head, self._lose_patience)

        def connection_lost(self, exc: Exception | None) -> None:
            self._patience.cancel()
            super().connection_lost(exc)

        def _lose_patience(self) -> None:
            if self.cycle is None:
                self.transport.close()

    return Protocol
