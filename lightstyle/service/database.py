"""The queue of jobs in a database of PostgreSQL, by DBOS.

A job is a workflow of a function without steps, named after the job. If the server
dies, the workflow is still pending in the database, and runs again when a server with
the same name returns. What it then does follows from the journal of the job.

More workflows are fetched than jobs can run, so that the next one is at hand at once
when a job ends.
"""

import logging
from collections.abc import Callable, Collection
from typing import Final

from ..errors import OutputError, UsageError
from ..text import printable
from .queue import Queue
from .store import Job, Store

#: Seconds between two looks into the database, which cost about 3 ms.
_POLL: Final = 0.25

#: Jobs that are fetched beyond those that run: with fewer, small ones wait for the
#: next look.
_AHEAD: Final = 12

#: Version of the workflow: pending jobs of another one would not run.
_VERSION: Final = "1"

#: Recoveries of a workflow; the journal of its job says when it is enough.
_ENDLESS: Final = 10**9

#: States of workflows that have ended.
_ENDED: Final = ["SUCCESS", "ERROR", "CANCELLED", "MAX_RECOVERY_ATTEMPTS_EXCEEDED"]


class DatabaseQueue(Queue):
    """Has jobs performed that a database knows."""

    def __init__(
        self, perform: Callable[[str], None], store: Store, slots: int, database: str
    ) -> None:
        """Open the database, which begins with what was left unfinished.

        Args:
            perform: Sees a job through, given its name.
            store: The jobs.
            slots: Jobs that run at a time.
            database: URL of the database.

        Raises:
            UsageError: The URL is none of a database that can be used, or DBOS is not
                installed.
            OutputError: The database cannot be used.
        """
        if not database.startswith("postgresql://"):
            raise UsageError(
                f"database {printable(database.partition(':')[0], 40)}: expected a URL "
                "that begins with postgresql://"
            )
        try:
            from dbos import DBOS, DBOSPortableJSONSerializer
        except ImportError as error:
            raise UsageError(
                f"--database needs the package {error.name}: install it with "
                "pip install 'lightstyle[postgresql]'"
            ) from error

        self._dbos, self._store = DBOS, store
        self._name = f"lightstyle-{store.server}"

        def run(id_: str) -> None:  # DBOS takes functions, not methods
            perform(id_)

        named = DBOS.workflow(name="perform", max_recovery_attempts=_ENDLESS)
        self._run = named(run)
        DBOS(
            config={
                "name": self._name,
                "system_database_url": database,
                "executor_id": self._name,
                "application_version": _VERSION,
                # The default are pickles: to write to the database would run code.
                "serializer": DBOSPortableJSONSerializer(),
                "log_level": "CRITICAL",  # the exceptions say enough
                "run_migrations": True,
            }
        )
        try:
            DBOS.launch()
            DBOS.register_queue(
                self._name,
                worker_concurrency=slots + _AHEAD,
                polling_interval_sec=_POLL,
                on_conflict="always_update",
            )
            logging.getLogger("dbos").setLevel(logging.ERROR)
        except Exception as error:  # SQLAlchemy's, or DBOS's, or a driver's
            DBOS.destroy(destroy_registry=True)
            reason = printable(" ".join(str(error).split()), 160)
            raise OutputError(
                f"the database of jobs cannot be used: {reason}; check --database"
            ) from error

    def put(self, job: Job) -> None:
        """Have a job performed, once a turn, however often it is put."""
        from dbos import SetWorkflowID

        with SetWorkflowID(_turn(job)):
            self._dbos.enqueue_workflow(self._name, self._run, job.spec.id)

    def resume(self, jobs: Collection[Job]) -> None:
        """Have the jobs performed that were left unfinished."""
        ended = self._ended()
        for job in jobs:
            if _turn(job) in ended:  # by somebody else's hand
                self._store.revive(job)
            self.put(job)

    def keep(self, wanted: Collection[str]) -> None:
        """Forget what is known of other jobs than these, if they have ended."""
        gone = [id_ for id_ in self._ended() if id_.rpartition(".")[0] not in wanted]
        if gone:
            self._dbos.delete_workflows(gone)

    def close(self) -> None:
        """Have no more jobs performed; those that are stay pending."""
        self._dbos.destroy(destroy_registry=True)

    def _ended(self) -> set[str]:
        """Return the turns that have ended."""
        found = self._dbos.list_workflows(
            queue_name=self._name, status=_ENDED, load_input=False, load_output=False
        )
        return {each.workflow_id for each in found}


def _turn(job: Job) -> str:
    return f"{job.spec.id}.{job.look().turn}"
