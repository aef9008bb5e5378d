"""The server: it opens everything, serves until it is told to stop, and closes it.

Told to stop, it takes no more jobs, ends the streams, lets the running jobs write their
checkpoints, and leaves them in the queue. Told again, it ends at once.
"""

import asyncio
import logging
import socket
import tempfile
import threading
from collections.abc import Callable
from contextlib import AbstractContextManager, ExitStack, suppress
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from types import FrameType
from typing import Any, Final

import uvicorn
from uvicorn.protocols.http.h11_impl import H11Protocol

from ..errors import ModelError, OutputError, UsageError
from ..jobs.executor import Executor
from ..jobs.painter import Runtime
from ..jobs.pool import ProcessPool
from ..lookup import trouble
from ..site.runtime import find as find_runtime
from ..zoo import registry
from .app import build
from .foreman import Foreman
from .guard import Guard, Tokens, is_loopback
from .intake import Intake
from .limits import Limits
from .parameters import Rules, named_presets
from .queue import JournalQueue, Queue
from .service import Service
from .store import Store
from .stream import Streams

#: Seconds between two sweeps for jobs that are kept no longer.
_SWEEP: Final = 30.0

#: Fewest characters of a token.
SHORTEST_TOKEN: Final = 16


@dataclass(frozen=True, kw_only=True)
class Options:
    """How to serve.

    Attributes:
        host: Address to bind to.
        port: Port to bind to; 0 for any that is free.
        data: Data folder.
        tokens: Tokens of clients.
        names: Names of the server besides its address.
        workers: Jobs that run at a time.
        database: URL of a database for the queue; None if the journals are enough.
        presets: Folder of further presets.
        limits: Limits.
        runtime: What each worker runs on.
        executor: Runs the jobs, once it is entered; by default processes here.
    """

    host: str
    port: int
    data: Path
    tokens: tuple[str, ...] = ()
    names: tuple[str, ...] = ()
    workers: int = 1
    database: str | None = None
    presets: Path | None = None
    limits: Limits = field(default_factory=Limits)
    runtime: Runtime
    executor: Callable[[], AbstractContextManager[Executor]] | None = None


def serve(options: Options, log: Callable[[str], None]) -> None:
    """Serve until a signal comes.

    Args:
        options: How to serve.
        log: Takes what the operator should know, a line at a time.

    Raises:
        UsageError: An option is not possible.
        OutputError: The data folder, the database or the port cannot be used.
        ModelError: There is no such model.
    """
    _check(options)
    limits = options.limits
    models, model = _models(options.runtime)
    rules = Rules(limits, named_presets(options.presets), models, model)
    with ExitStack() as stack:
        listening = stack.enter_context(_bound(options.host, options.port))
        store = Store(options.data, limits)
        stack.callback(store.close)
        # Uploads are spooled there, below the quota and on the same disk.
        stack.callback(setattr, tempfile, "tempdir", tempfile.tempdir)
        tempfile.tempdir = str(store.incoming)
        pool = partial(ProcessPool, options.runtime, options.workers, limits.recycle)
        executor = stack.enter_context((options.executor or pool)())
        foreman = Foreman(store, executor, limits, log)
        queue = _queue(options.database, store, foreman, executor.slots)
        stack.callback(queue.close)
        service = Service(
            store=store,
            queue=queue,
            foreman=foreman,
            intake=Intake(store, queue, rules),
            rules=rules,
            streams=Streams(limits),
            tokens=Tokens(options.tokens),
        )
        stack.callback(foreman.close)
        queue.resume(store.active())
        names = options.names
        if not is_loopback(options.host):
            names = (*names, socket.gethostname())
        runtime = find_runtime()
        app = Guard(
            build(service, runtime),
            options.host,
            names,
            service.tokens,
            limits.body,
        )
        host, port = listening.getsockname()[:2]
        shown = f"[{host}]" if ":" in host else host
        log(f"serving on http://{shown}:{port} with data in {options.data}")
        if runtime is None:
            log("run `lightstyle page` once, and browsers can paint by themselves, too")
        _Server(app, service, limits, log).run([listening])


class _Server(uvicorn.Server):
    """Uvicorn, which also ends the streams and the jobs when it is told to stop."""

    def __init__(
        self, app: Any, service: Service, limits: Limits, log: Callable[[str], None]
    ) -> None:
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
        await super().startup(sockets)
        self._sweeping = asyncio.create_task(self._sweep())

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
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


def _queue(url: str | None, store: Store, foreman: Foreman, slots: int) -> Queue:
    """Return the queue, in a database if a URL of one is given.

    Raises:
        UsageError: As `DatabaseQueue`.
        OutputError: As `DatabaseQueue`.
    """
    if url is None:
        return JournalQueue(foreman.perform, slots)
    from .database import DatabaseQueue

    return DatabaseQueue(foreman.perform, store, slots, url)


def _check(options: Options) -> None:
    for token in options.tokens:
        if len(token) < SHORTEST_TOKEN or not (token.isascii() and token.isprintable()):
            raise UsageError(
                f"token: expected at least {SHORTEST_TOKEN} printable characters of "
                "ASCII, such as `openssl rand -hex 16` makes"
            )
    if not options.tokens and not is_loopback(options.host):
        raise UsageError(
            f"host {options.host}: other machines could reach it, so it needs --token, "
            "or LIGHTSTYLE_TOKEN in the environment"
        )


def _models(runtime: Runtime) -> tuple[list[str], str]:
    """Return the names of models, and that of the one to use, which must be there.

    Raises:
        ModelError: There is not.
    """
    path = registry.find(runtime.model)
    if problem := trouble(path):
        raise ModelError(f"model {path} {problem}; `lightstyle models list` shows all")
    return sorted({path.stem for path in registry.available()}), path.stem


def _bound(host: str, port: int) -> socket.socket:
    """Return a socket that listens.

    Raises:
        UsageError: There is no such address.
        OutputError: The port is in use, or may not be used.
    """
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(
            host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
    except (OSError, UnicodeError, OverflowError) as error:
        raise UsageError(f"host {host}: there is no such address") from error
    listening = socket.socket(family, kind, protocol)
    try:
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listening.bind(address)
        listening.listen(256)
    except OSError as error:
        listening.close()
        raise OutputError(
            f"port {port} of {host} cannot be used: {error.strerror}; give another one "
            "with --port"
        ) from error
    return listening
