"""The application: its routes, its page, and how it refuses."""

import mimetypes
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.responses import FileResponse
from starlette.exceptions import HTTPException
from starlette.staticfiles import StaticFiles

from ..contract import VERSION
from ..site import parts
from . import jobs_api, server_api
from .api import DESCRIPTION
from .parameters import invalid
from .problems import ProblemError
from .service import Service

#: Faults that a library finds, and what we call them.
_CODES: Final = {404: "not_found", 405: "method", 413: "too_large", 400: "malformed"}


def build(service: Service, runtime: Path | None = None) -> FastAPI:
    """Return the application.

    Args:
        service: What its routes work with.
        runtime: Folder of ONNX Runtime for browsers, with which the page can paint by
            itself; None if it cannot.
    """
    app = FastAPI(
        title="Lightstyle",
        version=VERSION,
        description=DESCRIPTION,
        docs_url=None,  # they would come from another site
        redoc_url=None,
        redirect_slashes=False,
        max_body_size=service.rules.limits.body,
        generate_unique_id_function=lambda route: route.name,
        exception_handlers={
            ProblemError: _refuse,
            HTTPException: _refuse_by_library,
            RequestValidationError: _refuse_invalid,
            Exception: _refuse_fault,
        },
    )
    app.state.service = service
    app.include_router(jobs_api.router)
    app.include_router(server_api.router)

    @app.get("/", include_in_schema=False)
    async def index() -> Response:
        return FileResponse(parts.PAGE / "index.html")

    @app.get(f"/{parts.ENGINES}", include_in_schema=False)
    def engines() -> Response:
        return _json(parts.engines(server=True, device=runtime is not None))

    @app.get(f"/{parts.SETTINGS}", include_in_schema=False)
    def device_settings() -> Response:
        return _json(parts.settings())

    # Windows may know another type, with which no browser takes a module.
    mimetypes.add_type("text/javascript", ".js")
    mimetypes.add_type("application/wasm", ".wasm")
    app.mount("/page", _Parts(parts.served(runtime)), name="page")
    return app


class _Parts(StaticFiles):
    """Files by their paths below ``page/``, wherever they are."""

    def __init__(self, files: Mapping[str, Path]) -> None:
        super().__init__(directory=parts.PAGE)
        self._files = files

    def lookup_path(self, path: str) -> tuple[str, os.stat_result | None]:
        source = self._files.get(f"page/{path}")
        return (str(source), source.stat()) if source else ("", None)


def _json(content: bytes) -> Response:
    return Response(content, media_type="application/json")


async def _refuse(request: Request, error: Exception) -> Response:
    assert isinstance(error, ProblemError)
    return error.response


async def _refuse_by_library(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    code = _CODES.get(error.status_code, "malformed")
    response = ProblemError(code, str(error.detail)).response
    response.headers.update(error.headers or {})
    return response


async def _refuse_invalid(request: Request, error: Exception) -> Response:
    assert isinstance(error, RequestValidationError)
    wrong = {".".join(map(str, each["loc"])): each["msg"] for each in error.errors()}
    return invalid(wrong).response


async def _refuse_fault(request: Request, error: Exception) -> Response:
    return ProblemError("internal", "the log of the server says more").response
