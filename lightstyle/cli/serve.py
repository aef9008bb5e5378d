"""The command ``lightstyle serve``: jobs over HTTP."""

import os
from functools import partial
from pathlib import Path
from typing import Annotated, Final

import typer

from ..engine import memory
from ..errors import UsageError
from ..jobs.task import Task
from ..service.limits import MEGABYTE, Limits
from ..settings.settings import Settings
from .batch import ONE_PICTURE
from .console import say
from .crew import Cluster, Crew, Workers
from .help import command
from .options import RunOptions, takes

#: Environment variable with a token, which the list of processes does not show.
TOKEN_VARIABLE: Final = "LIGHTSTYLE_TOKEN"

#: Options of a single run.
_ONE_RUN: Final = ONE_PICTURE | {"like", "config", "bits", "no_metadata", "overwrite"}

_DEFAULT: Final = Limits()

_server = partial(typer.Option, rich_help_panel="Server")
_limit = partial(typer.Option, rich_help_panel="Limits")


@command
@takes(without=_ONE_RUN)
def serve(
    host: Annotated[str, _server(metavar="ADDRESS", help="Address to bind to.")] = (
        "127.0.0.1"
    ),
    port: Annotated[int, _server(metavar="N", min=0, max=65535, help="Port.")] = 8765,
    data: Annotated[
        Path, _server(metavar="FOLDER", help="Folder of the jobs, created if needed.")
    ] = Path("lightstyle-data"),
    token: Annotated[
        list[str] | None,
        _server(
            metavar="TEXT",
            help="Token of a client, needed for addresses that other machines reach; "
            f"several for several clients. Also in {TOKEN_VARIABLE}.",
        ),
    ] = None,
    allow_host: Annotated[
        list[str] | None,
        _server(metavar="NAME", help="A name of the server besides its address."),
    ] = None,
    database: Annotated[
        str | None,
        _server(metavar="URL", help="Have PostgreSQL keep the queue, too."),
    ] = None,
    presets: Annotated[
        Path | None, _server(metavar="FOLDER", help="Folder of further presets.")
    ] = None,
    workers: Workers = 1,
    cluster: Cluster = None,
    max_size: Annotated[
        int, _limit(metavar="N", min=32, help="Longest side of a picture.")
    ] = _DEFAULT.size,
    max_iterations: Annotated[
        int, _limit(metavar="N", min=1, help="Most iterations of a job.")
    ] = _DEFAULT.iterations,
    max_minutes: Annotated[
        float, _limit(metavar="N", min=0.01, help="Most minutes of a job.")
    ] = _DEFAULT.seconds / 60,
    max_jobs: Annotated[
        int, _limit(metavar="N", min=1, help="Most jobs that wait or run.")
    ] = _DEFAULT.queue,
    max_client_jobs: Annotated[
        int, _limit(metavar="N", min=1, help="The same of one client.")
    ] = _DEFAULT.queue_each,
    keep_hours: Annotated[
        float, _limit(metavar="N", min=0, help="How long finished jobs are kept.")
    ] = _DEFAULT.retention / 3600,
    disk: Annotated[
        str, _limit(metavar="SIZE", help="Room for all jobs, such as 10GB.")
    ] = f"{_DEFAULT.disk // (1000 * MEGABYTE)}GB",
    *,
    options: RunOptions,
) -> None:
    """Serve a page and an HTTP interface for jobs.

    Jobs are queued on disk: they survive the end of a worker, of the server and of the
    machine. `lightstyle guide service` describes the interface.

    Examples:
        lightstyle serve
        lightstyle serve --host 0.0.0.0 --token 7d54f1c2b0a98e63
        lightstyle serve --data /shared/jobs --cluster auto
    """
    try:
        from ..service.server import Options
        from ..service.server import serve as run
    except ImportError as error:
        raise UsageError(
            f"serve needs the package {error.name}: install it with "
            "pip install 'lightstyle[serve]'"
        ) from error
    crew = Crew(options, workers, cluster)
    limits = Limits(
        size=max_size,
        iterations=max_iterations,
        seconds=60 * max_minutes,
        queue=max_jobs,
        queue_each=max_client_jobs,
        retention=3600 * keep_hours,
        disk=memory.size("disk", disk),
    )
    largest = Task(given={}, settings=Settings(size=max_size))
    # The server itself counts deaths.
    at_work = partial(crew.at_work, [largest], data, lambda: False, deaths=1)
    named = os.environ.get(TOKEN_VARIABLE)
    run(
        Options(
            host=host,
            port=port,
            data=data.absolute() if crew.is_apart else data,
            tokens=(*(token or ()), *([named] if named else ())),
            names=tuple(allow_host or ()),
            workers=workers,
            database=database,
            presets=presets,
            limits=limits,
            runtime=crew.runtime,
            executor=at_work if crew.is_apart else None,
        ),
        (lambda line: None) if options.quiet else say,
    )
