"""The workers that bands are evaluated on, as `bands` sees them."""

from typing import Any, Final, Protocol

#: Workers in a row that may die at a task while it comes no further. Some may be killed
#: for another reason before the first checkpoint.
DEATHS: Final = 5


class Worker(Protocol):
    """A process that holds a `BandWorker`; a replacement is another worker."""

    def start(self, method: str, *arguments: Any) -> Any:
        """Begin a call of a method, after those that began before; returns its name."""

    def result(self, call: Any) -> Any:
        """Return what the call returned.

        Raises:
            WorkerLostError: The worker is no more.
            LightstyleError: The method raised it.
        """


class WorkerLostError(Exception):
    """A worker ended in the middle of its work."""

    def __init__(self, worker: Worker) -> None:
        """Say which `worker`."""
        super().__init__("a worker was lost")
        self.worker = worker


class Crew(Protocol):
    """All workers."""

    def workers(self) -> list[Worker]:
        """Return a worker for each of the crew's places.

        Where one was lost and its replacement is not ready, another takes its place.

        Raises:
            ClusterError: There is none left.
        """

    def share(self, value: Any) -> Any:
        """Return what stands for `value` as an argument of several calls."""

    def lost(self, worker: Worker) -> None:
        """Have a lost worker replaced."""
