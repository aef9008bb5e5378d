"""The way into the queue: how many may be in it, and what if it cannot be reached."""

from collections.abc import Callable

from .limits import Limits
from .problems import ProblemError
from .queue import Queue
from .store import Job, Store


def check_queue(store: Store, limits: Limits, owner: str) -> None:
    """Check that there is room in the queue for another job of a client.

    Raises:
        ProblemError: There is not.
    """
    waiting = store.active()
    mine = [job for job in waiting if job.spec.owner == owner]
    wait = max(1, round(sum(_seconds_left(job) for job in waiting[:1])))
    if len(waiting) >= limits.queue:
        raise ProblemError(
            "queue_full", f"{limits.queue} jobs are in the queue", retry_after=wait
        )
    if len(mine) >= limits.queue_each:
        raise ProblemError(
            "client_full",
            f"{limits.queue_each} of your jobs are in the queue: wait for one, or "
            "cancel one",
            retry_after=wait,
        )


def enqueue(queue: Queue, job: Job, undo: Callable[[], object]) -> None:
    """Put a job into the queue.

    Args:
        queue: The queue.
        job: The job.
        undo: Called if the queue cannot be reached.

    Raises:
        ProblemError: It cannot be.
    """
    try:
        queue.put(job)
    except Exception as error:  # whatever the database has
        undo()
        raise ProblemError(
            "storage", "the queue cannot be reached", retry_after=10
        ) from error


def _seconds_left(job: Job) -> float:
    left: float = job.look().progress.get("seconds_left", 10.0)
    return left
