"""The data folder of a server: its jobs, what they take, and how long they stay.

Jobs come to be in ``incoming`` and appear whole in ``jobs``.
"""

import secrets
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from threading import Lock, RLock
from time import time

from .. import files
from ..errors import UsageError
from . import claim
from .folder import JobFolder, Spec
from .journal import State, Status
from .limits import Limits


@dataclass(eq=False)
class Job:
    """A job that the server knows.

    Attributes:
        folder: Its files.
        status: What has become of it, as of the last look.
    """

    folder: JobFolder
    status: Status = field(default_factory=Status)
    _lock: Lock = field(default_factory=Lock)
    _bytes: int | None = None

    def look(self) -> Status:
        """Bring the status up to date and return it."""
        with self._lock:
            self.status.update(self.folder.journal)
        return self.status

    @property
    def spec(self) -> Spec:
        """What was asked for."""
        return self.folder.spec

    @property
    def bytes(self) -> int:
        """Bytes of its files, which a job that has ended keeps."""
        if not self.status.state.is_final:
            self._bytes = None
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
        lock: Held by whoever changes states or the set of jobs.
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
        self._known: dict[str, Job] = {}
        self._keys: dict[str, Job] = {}
        for folder in self._jobs.iterdir():
            with suppress(ValueError, UsageError):  # what cannot be read stays as it is
                self._add(Job(JobFolder(folder)))

    def close(self) -> None:
        """Let another server have the folder."""
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
        return [
            job
            for job in self.jobs()
            if not job.status.state.is_final and not job.look().state.is_final
        ]

    @contextmanager
    def receiving(self) -> Iterator[Path]:
        """Make a folder for the files of a job to come, removed unless it was added."""
        folder = self.incoming / secrets.token_urlsafe(16)
        folder.mkdir(mode=0o700)
        try:
            yield folder
        finally:
            shutil.rmtree(folder, ignore_errors=True)

    def add(self, folder: Path, spec: Spec) -> Job:
        """Take over a folder that was received, once it is on the disk.

        Raises:
            OSError: It cannot be written.
        """
        received = JobFolder(folder)
        received.describe(spec)
        received.journal.state(State.QUEUED)
        for path in (*folder.iterdir(), folder):
            files.flush(path)
        folder.replace(self._jobs / spec.id)
        files.flush(self._jobs)
        taken = JobFolder(self._jobs / spec.id)
        taken.spec = spec
        return self._add(Job(taken))

    def erase(self, job: Job) -> None:
        """Forget a job and remove its files."""
        with self.lock:
            self._known.pop(job.spec.id, None)
            self._keys.pop(job.spec.key or "", None)
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
        finished = [job for job in self.jobs() if _is_kept(job.look().state)]
        for job in sorted(finished, key=lambda job: job.status.since):
            if taken <= self._limits.disk:
                break
            taken -= job.bytes
            self._expire(job)
        return taken <= self._limits.disk

    @property
    def bytes(self) -> int:
        """Bytes of all jobs."""
        return sum(job.bytes for job in self.jobs())

    @property
    def is_full(self) -> bool:
        """Whether the disk is full but for what is to be left free."""
        return shutil.disk_usage(self.path).free < self._limits.spare

    def _expire(self, job: Job) -> None:
        job.folder.journal.state(State.EXPIRED)
        job.folder.expire()
        job._bytes = None
        job.look()

    def _add(self, job: Job) -> Job:
        job.look()
        with self.lock:
            self._known[job.spec.id] = job
            if job.spec.key:
                self._keys[job.spec.key] = job
        return job


def _is_kept(state: State) -> bool:
    return state.is_final and state is not State.EXPIRED
