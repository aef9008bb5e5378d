"""What goes wrong, as problem documents (RFC 9457) with stable codes."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

from fastapi.responses import JSONResponse

from ..errors import ExitCode

#: Status and title of every code that a request may get.
CODES: Final[Mapping[str, tuple[int, str]]] = {
    "malformed": (400, "The request cannot be read"),
    "host": (400, "The server is not known by this name"),
    "token": (401, "A token is needed"),
    "origin": (403, "The request comes from another site"),
    "not_found": (404, "There is no such thing"),
    "method": (405, "This cannot be done here"),
    "timeout": (408, "The request came in too slowly"),
    "state": (409, "The job is in another state"),
    "expired": (410, "The job is kept no longer"),
    "too_large": (413, "The request is too large"),
    "format": (415, "Pictures of this format are not taken"),
    "invalid": (422, "A value is not possible"),
    "pixels": (422, "The picture has too many pixels"),
    "key_reused": (422, "The idempotency key belongs to another request"),
    "queue_full": (429, "The queue is full"),
    "client_full": (429, "You have too many jobs in the queue"),
    "streams_full": (429, "Too many event streams are open"),
    "internal": (500, "This is a fault of the server"),
    "closing": (503, "The server is stopping"),
    "storage": (503, "The disk is full or does not work"),
    "quota": (507, "All room for jobs is taken"),
}

#: Why a job failed, by the exit code that a run of it alone would have.
FAILURES: Final[Mapping[int, str]] = {
    ExitCode.USAGE: "settings",
    ExitCode.IMAGE: "picture",
    ExitCode.MODEL: "model",
    ExitCode.OUTPUT: "storage",
    ExitCode.DEVICE: "device",
    ExitCode.TRANSFER: "numeric",
    ExitCode.NETWORK: "model",
    ExitCode.CHECKPOINT: "checkpoint",
}


class ProblemError(Exception):
    """A request that is refused."""

    def __init__(
        self,
        code: str,
        detail: str,
        *,
        retry_after: int | None = None,
        errors: Sequence[Mapping[str, Any]] = (),
        **more: Any,
    ) -> None:
        """Refuse a request.

        Args:
            code: One of `CODES`.
            detail: What was given, what is expected, and what to do.
            retry_after: Seconds after which it may be tried again.
            errors: What is wrong with each field.
            more: Further members of the document.
        """
        super().__init__(detail)
        self.code, self._retry_after = code, retry_after
        if errors:
            more["errors"] = [*errors]
        self._more = more

    @property
    def response(self) -> JSONResponse:
        """The document."""
        status, title = CODES[self.code]
        body = {
            "type": f"urn:lightstyle:problem:{self.code}",
            "title": title,
            "status": status,
            "code": self.code,
            "detail": str(self),
            **self._more,
        }
        headers = {}
        if self._retry_after is not None:
            headers["Retry-After"] = str(self._retry_after)
        if status == 401:
            headers["WWW-Authenticate"] = "Bearer"
        return JSONResponse(
            body, status, headers, media_type="application/problem+json"
        )
