"""Jobs and pictures as clients see them."""

from pathlib import Path
from typing import Any, Final

from fastapi import Request, Response
from fastapi.responses import FileResponse

from ..images.bare import bare
from .api import JobStatus
from .command_line import command_line
from .folder import Spec
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
        params=_described(spec),
        command=command_line(spec, model),
    )


def _described(spec: Spec) -> dict[str, Any]:
    """Return what was asked for, as clients see it."""
    return {
        "job": spec.job,
        "name": spec.name,
        "settings": dict(spec.settings),
        "size": spec.size,
        "model": spec.model,
        "format": spec.suffix.removeprefix("."),
        "pictures": {role: len(names) for role, names in spec.pictures.items()},
    }


def not_ready(job: Job) -> ProblemError:
    """Return the problem of a picture that is not there yet."""
    state = job.status.state
    return ProblemError("state", f"the job is {state}: no picture yet", state=state)


def picture(
    request: Request,
    job: Job,
    path: Path,
    named: str | None = None,
    *,
    metadata: bool = True,
) -> Response:
    """Send a picture, unless the client has it already.

    Args:
        request: The request.
        job: The job.
        path: File of the picture.
        named: Name under which browsers keep it; None to show it.
        metadata: Whether the file says more than the picture.

    Raises:
        ProblemError: It is not there.
    """
    try:
        found = path.stat()
        kind = "" if metadata else "-bare"
        tag = f'"{found.st_mtime_ns:x}-{found.st_size:x}{kind}"'
        headers = {"ETag": tag, "Cache-Control": "private, no-cache"}
        known = request.headers.get("if-none-match", "")
        if tag in (each.strip() for each in known.split(",")):
            return Response(status_code=304, headers=headers)
        if named is not None:
            headers["Content-Disposition"] = f'attachment; filename="{named}"'
        type_ = TYPES[path.suffix]
        if metadata:
            return FileResponse(
                path, media_type=type_, headers=headers, stat_result=found
            )
        return Response(bare(path.read_bytes()), media_type=type_, headers=headers)
    except FileNotFoundError:
        raise not_ready(job) from None
