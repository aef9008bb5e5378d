"""The data folder of a server: its jobs, what they take, and how long they stay.

Jobs come to be in ``incoming`` and appear whole in ``jobs``.
"""

import secrets
import shutil
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from threading import RLock
from time import time
from typing import Any, Final

from .. import files
from ..errors import UsageError
from . import claim
from .folder import JobFolder, Spec
from .journal import JournalStatus, State
from .limits import Limits

#: Files that are flushed at once.
_AT_ONCE: Final = 8


@dataclass(eq=False)
class Job:
    """A job that the server knows.

    Attributes:
        folder: Its files.
        status: What has become of it, as of the last look.
        lock: Held by whoever changes its state; the store's goes before it.
    """

    folder: JobFolder
    status: JournalStatus = field(default_factory=JournalStatus)
    lock: RLock = field(default_factory=RLock)
    _bytes: int | None = None

    def look(self) -> JournalStatus:
        """Bring the status up to date and return it."""
        with self.lock:
            self.status.update(self.folder.journal)
        return self.status

    def change(self, state: State, **values: Any) -> None:
        """Write down another state."""
        self.folder.journal.state(state, **values)
        self._bytes = None
        if self.look().state.is_final:
            self.spec.forget()

    @property
    def spec(self) -> Spec:
        """What was asked for."""
        return self.folder.spec

    @property
    def bytes(self) -> int:
        """Bytes of its files, which change while it runs."""
        if self.status.state in (State.RUNNING, State.CANCELLING):
            return self.folder.bytes
        if self._bytes is None:
            self._bytes = self.folder.bytes
        return self._bytes

    @property
    def number(self) -> tuple[float, str]:
        """Place in the order in which jobs came."""
        return self.spec.created, self.spec.id


class Store:
    """The jobs of a data folder, which is locked as long as the store is open.

    Attributes:
        server: Name of the folder's server, which is the folder's for ever.
        incoming: Folder for what is being received.
        lock: Held by whoever changes the set of jobs, or of those in the queue.
    """

    def __init__(self, path: Path, limits: Limits) -> None:
        """Open the folder, which is made if need be.

        Raises:
            OutputError: It cannot be written, or another server uses it.
            UsageError: It is none of a server, or of another version.
        """
        self.path, self._limits, self.lock = path, limits, RLock()
        files.make_folder(path)
        self._held = claim.lock(path)
        self.server = claim.identity(path)
        self.incoming, self._jobs = path / "incoming", path / "jobs"
        shutil.rmtree(self.incoming, ignore_errors=True)
        for folder in (self.incoming, self._jobs):
            files.make_folder(folder)
        files.check_writable(path / "probe", inputs=(), overwrite=True)
        self._flushing = ThreadPoolExecutor(_AT_ONCE)
        self._known: dict[str, Job] = {}
        self._active: dict[str, Job] = {}
        self._keys: dict[str, Job] = {}
        for folder in self._jobs.iterdir():
            with suppress(ValueError, UsageError):  # what cannot be read stays as it is
                self._add(Job(JobFolder(folder)))

    def close(self) -> None:
        """Let another server have the folder."""
        self._flushing.shutdown()
        self._held.release()

    def get(self, id_: str) -> Job | None:
        """Return a job by its name, None if there is none."""
        return self._known.get(id_)

    def with_key(self, key: str) -> Job | None:
        """Return the job that was asked for with an idempotency key."""
        return self._keys.get(key)

    def jobs(self, owner: str | None = None) -> list[Job]:
        """Return all jobs, the oldest first; those of one owner, if one is given."""
        with self.lock:
            found = [*self._known.values()]
        found = [job for job in found if owner in (None, job.spec.owner)]
        return sorted(found, key=lambda job: job.number)

    def active(self) -> list[Job]:
        """Return the jobs that wait or run, the oldest first."""
        with self.lock:
            self._active = {
                id_: job
                for id_, job in self._active.items()
                if not job.status.state.is_final
            }
            found = [*self._active.values()]
        return sorted(found, key=lambda job: job.number)

    def revive(self, job: Job) -> None:
        """Begin another turn of a job that has ended."""
        with self.lock:
            job.change(State.QUEUED, retry=True)
            self._active[job.spec.id] = job

    @contextmanager
    def receiving(self) -> Iterator[Path]:
        """Make a folder for the files of a job to come, removed unless it was added."""
        folder = self.incoming / secrets.token_urlsafe(16)
        folder.mkdir(mode=0o700)
        try:
            yield folder
        finally:
            shutil.rmtree(folder, ignore_errors=True)

    def settle(self, folder: Path, spec: Spec) -> None:
        """Make a job of a folder that was received, and wait until it is on the disk.

        Raises:
            OSError: It cannot be written.
        """
        received = JobFolder(folder)
        received.describe(spec)
        received.journal.state(State.QUEUED)
        # All at once take as long as one: file systems commit them together.
        [*self._flushing.map(files.flush, (*folder.iterdir(), folder))]

    def add(self, folder: Path, spec: Spec) -> Job:
        """Take over a folder that was settled; `flush` says when that is on the disk.

        Raises:
            OSError: It cannot be.
        """
        folder.replace(self._jobs / spec.id)
        taken = JobFolder(self._jobs / spec.id)
        taken.spec = spec
        return self._add(Job(taken))

    def flush(self) -> None:
        """Wait until the set of jobs is on the disk.

        Raises:
            OSError: It cannot be written.
        """
        files.flush(self._jobs)

    def erase(self, job: Job) -> None:
        """Forget a job and remove its files."""
        with self.lock:
            self._known.pop(job.spec.id, None)
            self._active.pop(job.spec.id, None)
            self._keys.pop(job.spec.key or "", None)
        with job.lock:
            job.folder.erase()

    def sweep(self) -> None:
        """Remove what is kept no longer: by age, and what the quota does not hold."""
        limits, now = self._limits, time()
        for job in self.jobs():
            status = job.look()
            age = now - status.since
            if status.erase and status.state.is_final:  # the server died over it
                self.erase(job)
            elif status.state is State.EXPIRED:
                if age > limits.tombstone:
                    self.erase(job)
            elif status.state.is_final and age > limits.retention:
                self._expire(job)
        self.make_room(0)

    def make_room(self, wanted: int) -> bool:
        """Expire finished jobs, the oldest first, until there is room for more bytes.

        Returns:
            Whether there is.
        """
        taken = self.bytes + wanted
        if taken <= self._limits.disk:
            return True
        finished = [job for job in self.jobs() if _is_kept(job.status.state)]
        for job in sorted(finished, key=lambda job: job.status.since):
            if taken <= self._limits.disk:
                break
            freed = job.bytes
            if self._expire(job):
                taken -= freed
        return taken <= self._limits.disk

    @property
    def bytes(self) -> int:
        """Bytes of all jobs."""
        with self.lock:
            known = [*self._known.values()]
        return sum(job.bytes for job in known)

    @property
    def is_full(self) -> bool:
        """Whether the disk is full but for what is to be left free."""
        return shutil.disk_usage(self.path).free < self._limits.spare

    def _expire(self, job: Job) -> bool:
        """Remove the pictures of a job, unless it was retried or erased meanwhile.

        Returns:
            Whether they are removed.
        """
        with job.lock, suppress(FileNotFoundError):
            if _is_kept(job.look().state):
                job.change(State.EXPIRED)
                job.folder.expire()
                job._bytes = None
                return True
        return False

    def _add(self, job: Job) -> Job:
        job.look()
        with self.lock:
            self._known[job.spec.id] = self._active[job.spec.id] = job
            if job.spec.key:
                self._keys[job.spec.key] = job
        return job


def _is_kept(state: State) -> bool:
    return state.is_final and state is not State.EXPIRED
