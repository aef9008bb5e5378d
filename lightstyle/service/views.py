"""Jobs and pictures as clients see them."""

from pathlib import Path
from typing import Final

from fastapi import Request, Response
from fastapi.responses import FileResponse

from ..images.bare import bare
from .api import JobStatus
from .command_line import command_line
from .intake import described
from .journal import State
from .problems import ProblemError
from .store import Job, Store

#: Media types by suffix.
TYPES: Final = {".png": "image/png", ".jpg": "image/jpeg", ".webp": "image/webp"}


def positions(store: Store) -> dict[str, int]:
    """Return the place of each waiting job in the queue, from 1."""
    waiting = [job for job in store.active() if job.status.state is State.QUEUED]
    return {job.spec.id: place for place, job in enumerate(waiting, 1)}


def status_of(job: Job, places: dict[str, int], model: str | None) -> JobStatus:
    """Return a job as clients see it.

    Args:
        job: The job.
        places: Places in the queue.
        model: Name of the server's model.
    """
    status, spec = job.look(), job.spec
    progress = {k: v for k, v in status.progress.items() if k not in ("event", "at")}
    outcome = {
        k: v
        for k, v in status.outcome.items()
        if k in ("code", "reason", "notes", "exit", "loss", "picture", "seconds")
    }
    return JobStatus(
        id=spec.id,
        state=status.state,
        created=spec.created,
        since=status.since,
        position=places.get(spec.id),
        attempt=status.attempt,
        preview=status.preview,
        progress=progress or None,
        outcome=outcome or None,
        params=described(spec),
        command=command_line(spec, model),
    )


def not_ready(job: Job) -> ProblemError:
    """Return the problem of a picture that is not there yet."""
    state = job.status.state
    return ProblemError("state", f"the job is {state}: no picture yet", state=state)


def picture(
    request: Request, job: Job, path: Path, type_: str, named: str | None = None
) -> Response:
    """Send a picture, unless the client has it already.

    Raises:
        ProblemError: It is not there.
    """
    try:
        found = path.stat()
    except FileNotFoundError:
        raise not_ready(job) from None
    tag = f'"{found.st_mtime_ns:x}-{found.st_size:x}"'
    headers = {"ETag": tag, "Cache-Control": "private, no-cache"}
    known = request.headers.get("if-none-match", "")
    if tag in (each.strip() for each in known.split(",")):
        return Response(status_code=304, headers=headers)
    return FileResponse(
        path,
        media_type=type_,
        headers=headers,
        filename=named,
        stat_result=found,
    )


def bare_picture(job: Job, path: Path, type_: str, named: str) -> Response:
    """Send a picture without metadata.

    Raises:
        ProblemError: It is not there.
    """
    try:
        data = path.read_bytes()
    except FileNotFoundError:
        raise not_ready(job) from None
    headers = {
        "Cache-Control": "private, no-cache",
        "Content-Disposition": f'attachment; filename="{named}"',
    }
    return Response(bare(data), media_type=type_, headers=headers)
