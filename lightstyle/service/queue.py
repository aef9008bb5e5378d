"""The durable queue, by DBOS: on SQLite, or on PostgreSQL with the same code.

A job is a workflow of a function without steps, named after the job. If the server
dies, the workflow is still pending in the database, and runs again when a server with
the same name returns. What it then does follows from the journal of the job.

More workflows are fetched than jobs can run, so that the next one is at hand at once
when a job ends.
"""

import logging
import sqlite3
from collections.abc import Callable, Collection
from pathlib import Path
from typing import Final

from ..errors import OutputError, UsageError
from ..text import printable

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

_URLS: Final = ("postgresql://", "postgres://", "sqlite://")


class Queue:
    """Has a function called for each job, whatever happens in the meantime."""

    def __init__(
        self, perform: Callable[[str], None], server: str, slots: int, database: str
    ) -> None:
        """Open the database, which begins with what was left unfinished.

        Args:
            perform: Sees a job through, given its name.
            server: Name of the server, the same whenever it returns.
            slots: Jobs that run at a time.
            database: URL of the database.

        Raises:
            UsageError: The URL is none of a database that can be used.
            OutputError: The database cannot be used.
        """
        if not database.startswith(_URLS):
            raise UsageError(
                f"database {printable(database.partition(':')[0], 40)}: expected a URL "
                "that begins with postgresql:// or sqlite://"
            )
        from dbos import DBOS, DBOSPortableJSONSerializer

        self._dbos = DBOS
        self._name = f"lightstyle-{server}"
        _write_ahead(database)

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

    def put(self, id_: str, turn: int) -> None:
        """Have a job performed, once a turn, however often it is put.

        Args:
            id_: Name of the job.
            turn: Number of times that it was retried.
        """
        from dbos import SetWorkflowID

        with SetWorkflowID(f"{id_}.{turn}"):
            self._dbos.enqueue_workflow(self._name, self._run, id_)

    def ended(self) -> set[str]:
        """Return the turns that have ended, as ``name.turn``."""
        found = self._dbos.list_workflows(
            queue_name=self._name, status=_ENDED, load_input=False, load_output=False
        )
        return {each.workflow_id for each in found}

    def keep(self, wanted: Collection[str]) -> None:
        """Remove what the database has of other jobs than these, if it has ended."""
        names = self.ended()
        gone = [name for name in names if name.rpartition(".")[0] not in wanted]
        if gone:
            self._dbos.delete_workflows(gone)

    def close(self) -> None:
        """Take no more jobs; what runs stays pending."""
        self._dbos.destroy(destroy_registry=True)


def _write_ahead(database: str) -> None:
    """Have SQLite write ahead, which stays so: then a write takes 4 ms, not 19."""
    prefix = "sqlite:///"
    if database.startswith(prefix):
        path = Path(database.removeprefix(prefix))
        try:
            connection = sqlite3.connect(path)
            with connection:
                connection.execute("PRAGMA journal_mode=WAL")
            connection.close()
            path.chmod(0o600)
        except (sqlite3.Error, OSError) as error:
            raise OutputError(
                f"the database {path} cannot be used: {error}; check --database"
            ) from error
