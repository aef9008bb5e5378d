"""What the routes work with, and how they get it."""

from dataclasses import dataclass
from typing import Annotated

from fastapi import Depends, Request

from .foreman import Foreman
from .guard import Tokens
from .intake import Intake
from .journal import State
from .parameters import Rules
from .problems import ProblemError
from .queue import Queue
from .store import Job, Store
from .stream import Streams


@dataclass
class Service:
    """Everything that the routes work with.

    Attributes:
        store: The jobs.
        queue: Their order.
        foreman: Runs them.
        intake: Takes them.
        rules: What can be asked for.
        streams: Open event streams.
        tokens: Who is let in.
    """

    store: Store
    queue: Queue
    foreman: Foreman
    intake: Intake
    rules: Rules
    streams: Streams
    tokens: Tokens

    def close(self) -> None:
        """Take no more jobs, and end all streams."""
        self.intake.closing = self.streams.closing = True


# Coroutines: functions would each wait for a thread.
async def _service(request: Request) -> Service:
    found: Service = request.app.state.service
    return found


async def _owner(request: Request) -> str:
    name: str = request.state.owner
    return name


The = Annotated[Service, Depends(_service)]
Owner = Annotated[str, Depends(_owner)]


async def _job(id: str, the: The, owner: Owner) -> Job:
    found = the.store.get(id)
    if found is None or found.look().erase or found.spec.owner != owner:
        raise ProblemError("not_found", "there is no such job")
    return found


OwnJob = Annotated[Job, Depends(_job)]


async def _kept(found: OwnJob) -> Job:
    if found.status.state is State.EXPIRED:
        raise ProblemError(
            "expired", "the job has ended long ago and its files are gone"
        )
    return found


#: A job of the client whose files are kept.
KeptJob = Annotated[Job, Depends(_kept)]
