"""The routes that are about the server."""

from dataclasses import asdict
from typing import Any

from fastapi import APIRouter, Request, Response
from fastapi.responses import PlainTextResponse

from ..settings.fields import plain
from ..settings.jobs import JOBS
from . import metrics
from .api import Token, problems
from .guard import COOKIE
from .problems import ProblemError
from .schema import settings_schema
from .service import The

router = APIRouter()


@router.get("/v1/limits", responses=problems(401))
def get_limits(the: The) -> dict[str, Any]:
    """List the limits of this server."""
    return asdict(the.rules.limits)


@router.get("/v1/settings", responses=problems(401))
def get_settings(the: The) -> dict[str, Any]:
    """List what can be asked for: settings, jobs, presets and models."""
    return {
        "settings": settings_schema(the.rules.limits),
        "jobs": {name: sorted(each.pictures) for name, each in JOBS.items()},
        "presets": {
            name: {key: plain(key, value) for key, value in values.items()}
            for name, values in the.rules.presets.items()
        },
        "models": sorted(the.rules.models),
        "model": the.rules.model,
    }


@router.post("/v1/session", status_code=204, responses=problems(401, 403, 422))
def open_session(given: Token, request: Request, the: The) -> Response:
    """Keep the token in a cookie, for the page."""
    if the.tokens.owner(given.token) is None:
        raise ProblemError("token", "this is not the token of this server")
    response = Response(status_code=204)
    response.set_cookie(
        COOKIE,
        given.token,
        max_age=30 * 86_400,
        httponly=True,
        samesite="strict",
        secure=request.url.scheme == "https",
    )
    return response


@router.delete("/v1/session", status_code=204, responses=problems(403))
def close_session() -> Response:
    """Remove the cookie."""
    response = Response(status_code=204)
    response.delete_cookie(COOKIE, httponly=True, samesite="strict")
    return response


@router.get("/healthz", response_class=PlainTextResponse)
async def live() -> str:
    """Tell whether the server answers."""
    return "ok\n"


@router.get("/readyz", response_class=PlainTextResponse, responses=problems(503))
def ready(the: The) -> str:
    """Tell whether the server takes jobs."""
    if the.intake.closing:
        raise ProblemError("closing", "the server is stopping", retry_after=10)
    if the.store.is_full:
        raise ProblemError("storage", "the disk is full", retry_after=60)
    return "ok\n"


@router.get("/metrics", response_class=PlainTextResponse, responses=problems(401))
def prometheus(the: The) -> Response:
    """Write metrics for Prometheus."""
    text = metrics.text(the.store, the.foreman, the.streams.count)
    return PlainTextResponse(text, media_type="text/plain; version=0.0.4")
