"""The workers that bands are evaluated on, as `bands` sees them."""

from typing import Any, Final, Protocol

#: Workers in a row that may die at a task while it comes no further. Some may be killed
#: for another reason before the first checkpoint.
DEATHS: Final = 5


class WorkerHandle(Protocol):
    """The handle of a process with a `BandWorker`; a replacement has another one."""

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

    def __init__(self, worker: WorkerHandle) -> None:
        """Say which `worker`."""
        super().__init__("a worker was lost")
        self.worker = worker


class BandCrew(Protocol):
    """All workers on which a picture is evaluated in bands."""

    def workers(self) -> list[WorkerHandle]:
        """Return a worker for each of the crew's places.

        Where one was lost and its replacement is not ready, another takes its place.

        Raises:
            ClusterError: There is none left.
        """

    def share(self, value: Any) -> Any:
        """Return what stands for `value` as an argument of several calls."""

    def lost(self, worker: WorkerHandle) -> None:
        """Have a lost worker replaced."""
