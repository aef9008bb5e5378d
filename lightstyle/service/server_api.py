"""The routes that are about the server."""

from dataclasses import asdict
from typing import Any

from fastapi import APIRouter, Request, Response
from fastapi.responses import PlainTextResponse

from ..settings.schema import form
from . import metrics
from .api import Token, problems
from .guard import COOKIE
from .limits import FORMATS, MOST_STYLES, NARROWED
from .problems import ProblemError
from .service import The
from .views import TYPES

router = APIRouter()


@router.get("/v1/limits", responses=problems(401))
def get_limits(the: The) -> dict[str, Any]:
    """List the limits of this server."""
    return asdict(the.rules.limits)


@router.get("/v1/settings", responses=problems(401))
def get_settings(the: The) -> dict[str, Any]:
    """List what can be asked for: settings, jobs, presets and models."""
    rules = the.rules
    limits = asdict(rules.limits)
    return form(
        limits={name: limits[name] for name in NARROWED},
        most={"content": 1, "style": MOST_STYLES},
        types=dict.fromkeys(TYPES[suffix] for suffix in FORMATS.values()),
        formats=[suffix.removeprefix(".") for suffix in TYPES],
        presets=rules.presets,
        models=rules.models,
        model=rules.model,
    )


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
