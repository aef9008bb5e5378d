"""The routes of jobs."""

from typing import Annotated

from fastapi import APIRouter, Header, Query, Request, Response
from fastapi import Path as PathParameter
from fastapi.responses import FileResponse, StreamingResponse

from .api import BODY, Accepted, JobList, JobStatus, problems
from .entry import check_queue, enqueue
from .problems import ProblemError
from .service import KeptJob, Owner, OwnJob, The
from .stream import has_ended
from .views import TYPES, not_ready, picture, positions, status_of

router = APIRouter()


@router.post(
    "/v1/jobs",
    status_code=202,
    openapi_extra=BODY,
    responses=problems(401, 403, 408, 413, 415, 422, 429, 503, 507),
)
async def create_job(
    request: Request, response: Response, the: The, by: Owner
) -> Accepted:
    """Queue a job. The same Idempotency-Key gives the same job again."""
    made, again = await the.intake.take(request, by)
    response.headers["Location"] = f"/v1/jobs/{made.spec.id}"
    if again:
        response.headers["Idempotent-Replayed"] = "true"
    place = positions(the.store).get(made.spec.id)
    state = made.look().state
    return Accepted(id=made.spec.id, state=state, position=place)


@router.get("/v1/jobs", responses=problems(401, 422))
def list_jobs(
    the: The,
    by: Owner,
    limit: Annotated[int, Query(ge=1, le=200)] = 50,
    before: Annotated[float | None, Query(description="`next` of a list")] = None,
) -> JobList:
    """List your jobs, the newest first."""
    places = positions(the.store)
    found = [
        each
        for each in reversed(the.store.jobs(by))
        if before is None or each.spec.created < before
    ]
    last = found[limit - 1].spec.created if len(found) > limit else None
    page = [status_of(each, places, the.rules.model) for each in found[:limit]]
    return JobList(jobs=page, next=last)


@router.get("/v1/jobs/{id}", responses=problems(401, 404, 410))
async def get_job(found: KeptJob, the: The) -> JobStatus:
    """Tell what has become of a job."""
    return status_of(found, positions(the.store), the.rules.model)


@router.get(
    "/v1/jobs/{id}/events",
    response_class=StreamingResponse,
    responses={
        200: {"content": {"text/event-stream": {}}},
        204: {"description": "The job has ended and you have all its events"},
        **problems(401, 404, 410, 422, 429),
    },
)
async def stream_events(
    found: KeptJob,
    request: Request,
    the: The,
    by: Owner,
    last_event_id: Annotated[int | None, Header(ge=0)] = None,
    after: Annotated[int, Query(ge=0, description="If Last-Event-ID is not sent")] = 0,
) -> Response:
    """Stream the events of a job, from the first or after Last-Event-ID."""
    offset = after if last_event_id is None else last_event_id
    if has_ended(found, offset):
        return Response(status_code=204)
    client = f"{by} {request.client.host if request.client else ''}"
    the.streams.check(client)
    return StreamingResponse(
        the.streams.events(
            found, offset, client, lambda: the.store.get(found.spec.id) is None
        ),
        media_type="text/event-stream",
        headers={"X-Accel-Buffering": "no"},
    )


@router.get(
    "/v1/jobs/{id}/preview",
    response_class=FileResponse,
    responses={
        200: {"content": {"image/jpeg": {}}},
        **problems(401, 404, 409, 410),
    },
)
def get_preview(found: KeptJob, request: Request) -> Response:
    """Get the latest preview, of at most 1024 pixels a side."""
    return picture(request, found, found.folder.preview)


@router.get(
    "/v1/jobs/{id}/result",
    response_class=FileResponse,
    responses={
        200: {"content": {type_: {} for type_ in TYPES.values()}},
        **problems(401, 404, 409, 410, 422),
    },
)
def get_result(
    found: KeptJob,
    request: Request,
    metadata: Annotated[
        bool, Query(description="Whether the file says how it was made")
    ] = True,
) -> Response:
    """Get the picture, or the best one so far of a job that was ended early."""
    path = found.folder.picture
    if not found.status.state.is_final:
        raise not_ready(found)
    named = f"lightstyle-{found.spec.id}{path.suffix}"
    return picture(request, found, path, named, metadata=metadata)


@router.get(
    "/v1/jobs/{id}/pictures/{role}/{number}", responses=problems(401, 404, 410, 422)
)
def get_picture(
    found: KeptJob,
    role: str,
    number: Annotated[int, PathParameter(ge=0)],
    request: Request,
) -> Response:
    """Get a picture that was sent: content, style or a setting's, by number from 0."""
    named = found.spec.pictures.get(role, ())
    if number >= len(named):
        raise ProblemError("not_found", "there is no such picture")
    return picture(request, found, found.folder.path / named[number])


@router.post(
    "/v1/jobs/{id}/cancel", status_code=202, responses=problems(401, 403, 404, 409)
)
def cancel_job(found: OwnJob, the: The) -> JobStatus:
    """End a job early and keep its best picture."""
    if not the.foreman.cancel(found):
        raise ProblemError("state", f"the job is {found.status.state} already")
    return status_of(found, positions(the.store), the.rules.model)


@router.post(
    "/v1/jobs/{id}/retry",
    status_code=202,
    responses=problems(401, 403, 404, 409, 410, 429, 503),
)
def retry_job(found: KeptJob, the: The, by: Owner) -> JobStatus:
    """Continue a job that failed or was cancelled, from its checkpoint."""
    with the.store.lock:
        check_queue(the.store, the.rules.limits, by)
        if not the.foreman.retry(found):
            raise ProblemError(
                "state", f"the job is {found.status.state}: nothing to retry"
            )
    enqueue(the.queue, found, lambda: the.foreman.cancel(found))
    return status_of(found, positions(the.store), the.rules.model)


@router.delete(
    "/v1/jobs/{id}",
    status_code=204,
    responses={202: {"description": "It ends first"}, **problems(401, 403, 404)},
)
def delete_job(found: OwnJob, the: The) -> Response:
    """End a job and remove everything of it."""
    the.foreman.cancel(found, erase=True)
    if found.look().state.is_final:
        the.store.erase(found)
        return Response(status_code=204)
    return Response(status_code=202)
