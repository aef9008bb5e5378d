"""Who makes the pictures of a command: this process, several here, or a cluster."""

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Annotated

import typer

from ..cluster.band_crew import DEATHS
from ..engine import memory
from ..engine.threads import MAXIMUM_THREADS
from ..errors import UsageError
from ..jobs.executor import Executor
from ..jobs.painter import Runtime
from ..jobs.pool import local
from ..jobs.task import Task
from ..text import counted
from .console import say
from .options import RunOptions
from .run import usable_threads

_many = partial(typer.Option, rich_help_panel="Many pictures")

Workers = Annotated[
    int, _many(metavar="N", help="Processes that share the threads and the memory.")
]

Cluster = Annotated[
    str | None,
    _many(
        metavar="ADDRESS",
        help="Paint on a Ray cluster: auto, local or ray://HOST:PORT.",
    ),
]


class Crew:
    """Who makes the pictures.

    Attributes:
        runtime: What each worker runs on, as far as that is known.
        waits: Whether the command can wait for them when it is interrupted.
        is_apart: Whether they can die without the command.
    """

    def __init__(self, options: RunOptions, workers: int, cluster: str | None) -> None:
        """Check what a person said, and connect to nothing yet.

        Raises:
            UsageError: It cannot be.
        """
        self._workers, self._cluster = workers, cluster
        self._quiet = options.quiet
        self.waits = workers > 1 or cluster is not None
        self.is_apart = cluster is not None
        if cluster is None:
            self.runtime = runtime_of(options).divided(workers)
            return
        if workers != 1:
            raise UsageError(
                f"--workers {workers} and --cluster exclude each other: a cluster has "
                "as many workers as its machines hold; --threads says how large"
            )
        from ..cluster.connection import check

        check(cluster)
        self.runtime = runtime_of(options, here=False)

    def __str__(self) -> str:
        """Say who they are."""
        if self._cluster is not None:
            return f"cluster {self._cluster}"
        if self._workers == 1:
            return "1 worker"
        threads = counted(self.runtime.threads or 1, "thread")
        return f"{self._workers} workers with {threads} each"

    @contextmanager
    def at_work(
        self,
        kinds: Iterable[Task],
        folder: Path,
        stopping: Callable[[], bool],
        deaths: int = DEATHS,
    ) -> Iterator[Executor]:
        """Have them ready for tasks.

        Args:
            kinds: A task of each kind that there will be.
            folder: Where results go.
            stopping: As `InProcess` takes it.
            deaths: As `RayExecutor` takes it.

        Raises:
            ClusterError: The cluster cannot be used.
        """
        if self._cluster is None:
            with local(self.runtime, self._workers, stopping) as executor:
                yield executor
            return
        from ..cluster.connection import connected
        from ..cluster.demand import Demand
        from ..cluster.executor import RayExecutor

        with connected(self._cluster) as cluster:
            demand = Demand.of(cluster, self.runtime, kinds)
            with RayExecutor(cluster, demand, folder, deaths) as executor:
                if not self._quiet:
                    workers = counted(executor.slots, "worker")
                    threads = counted(demand.runtime.threads or 1, "thread")
                    say(f"cluster {self._cluster}: {workers} with {threads} each")
                yield executor


def runtime_of(options: RunOptions, *, here: bool = True) -> Runtime:
    """Return what the options say of the model and what it runs on.

    Args:
        options: The options.
        here: Whether that is this machine, which has so many CPUs.

    Raises:
        UsageError: The memory cannot be read, or there cannot be so many threads.
    """
    threads = usable_threads(options) if here else options.threads
    if threads is not None and not 1 <= threads <= MAXIMUM_THREADS:
        raise UsageError(f"threads is {threads}, expected 1 to {MAXIMUM_THREADS}")
    return Runtime(
        model=options.model,
        device=options.device,
        threads=threads,
        memory=memory.parse(options.memory),
    )
