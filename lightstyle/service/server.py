"""The server: it opens everything, serves until it is told to stop, and closes it."""

import socket
import tempfile
from collections.abc import Callable
from contextlib import AbstractContextManager, ExitStack
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Final

from ..errors import ModelError, OutputError, UsageError
from ..jobs.executor import Executor
from ..jobs.painter import Runtime
from ..jobs.pool import ProcessPool
from ..lookup import trouble
from ..site.runtime import find as find_runtime
from ..zoo import registry
from .app import build
from .foreman import Foreman
from .graceful_server import GracefulServer
from .guard import Guard, Tokens, is_loopback
from .intake import Intake
from .limits import Limits
from .parameters import Rules, named_presets
from .queue import JournalQueue, Queue
from .service import Service
from .store import Store
from .stream import Streams

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
        GracefulServer(app, service, limits, log).run([listening])


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
