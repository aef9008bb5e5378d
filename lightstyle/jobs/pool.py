"""An executor with several processes on this machine, each with a model of its own."""

import threading
from collections.abc import Callable
from concurrent.futures import CancelledError, Future, ThreadPoolExecutor
from math import inf
from weakref import WeakKeyDictionary

from .executor import Executor, InProcess
from .painter import Runtime
from .task import Task, TaskOutcome
from .worker import GiveUp, Worker, WorkerDiedError


def local(runtime: Runtime, workers: int, stopping: Callable[[], bool]) -> Executor:
    """Make an executor on this machine: this process if there is one worker.

    Args:
        runtime: What each worker runs on.
        workers: Number of tasks that run at a time.
        stopping: As `InProcess` takes it.
    """
    if workers == 1:
        return InProcess(runtime, stopping)
    return ProcessPool(runtime, workers)


class ProcessPool(Executor):
    """Runs tasks in processes that are started as they are needed.

    A thread for each process hands it tasks and waits for their outcomes. A process
    that dies fails the task that it was at, and is replaced.
    """

    def __init__(self, runtime: Runtime, workers: int, most_tasks: float = inf) -> None:
        """Start nothing yet.

        Args:
            runtime: What each process runs on.
            workers: Most processes at a time.
            most_tasks: Tasks after which a process makes way for a fresh one.
        """
        self._runtime, self.slots, self._most = runtime, workers, most_tasks
        self._threads = ThreadPoolExecutor(workers)
        self._own = threading.local()
        self._given_up = WeakKeyDictionary[Future[TaskOutcome], GiveUp]()
        self._lock = threading.Lock()
        self._workers: set[Worker] = set()
        self._closed = False
        self._first = threading.Lock()
        self._has_loaded = False

    def submit(self, task: Task) -> Future[TaskOutcome]:
        """Have `task` run, when its turn comes."""
        given_up = GiveUp()
        future = self._threads.submit(self._run, task, given_up)
        self._given_up[future] = given_up
        return future

    def cancel(self, future: Future[TaskOutcome], patience: float = inf) -> None:
        """Give up the task of `future`, waiting or running, unless it ends first."""
        if not future.cancel():
            self._given_up[future].tell(patience)

    def shutdown(self) -> None:
        """Give up all tasks at once and end the processes."""
        with self._lock:
            self._closed = True
            for worker in self._workers:
                worker.kill()
        self._threads.shutdown(cancel_futures=True)
        for worker in self._workers:
            worker.close()

    def _run(self, task: Task, given_up: GiveUp) -> TaskOutcome:
        try:
            worker = self._begun(task, given_up)
            outcome = worker.outcome(given_up)
        except WorkerDiedError as death:
            lost = self._closed or given_up.told
            outcome = None if lost else death.outcome
        if outcome is None:
            raise CancelledError
        return outcome

    def _begun(self, task: Task, given_up: GiveUp) -> Worker:
        """Have a worker begin `task`.

        Until the first worker has loaded its model, the others wait: it may have to
        build the model that all use.
        """
        with self._first:
            if not self._has_loaded:
                worker = self._begin(task, given_up)
                self._has_loaded = True
                return worker
        return self._begin(task, given_up)

    def _begin(self, task: Task, given_up: GiveUp) -> Worker:
        if given_up.told:
            raise CancelledError
        worker = self._worker()
        worker.begin(task, given_up)
        return worker

    def _worker(self) -> Worker:
        """Return this thread's worker, a new one if that is dead."""
        worker: Worker | None = getattr(self._own, "worker", None)
        if worker is not None and worker.is_alive:
            if worker.tasks < self._most:
                return worker
            worker.kill()  # it waits for a task: nothing is lost
        with self._lock:
            if self._closed:
                raise CancelledError
            if worker is not None:
                self._own.worker = None  # even if no other one can be started
                self._workers.remove(worker)
                worker.close()
            worker = self._own.worker = Worker(self._runtime)
            self._workers.add(worker)
        return worker
