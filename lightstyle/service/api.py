"""What the OpenAPI document says beside the routes: bodies, answers and problems."""

from typing import Any, Final

from pydantic import BaseModel, Field

from .journal import State
from .limits import LONGEST_NAME, MOST_STYLES
from .parameters import PICTURES, Parameters
from .problems import CODES

DESCRIPTION: Final = """\
Queue pictures to be painted, watch them grow, fetch them. What cannot be done is \
answered by a problem document (RFC 9457) with a stable `code`."""


class Accepted(BaseModel):
    """A job that was queued."""

    id: str
    state: State
    position: int | None = Field(description="Place in the queue, from 1.")


class JobStatus(BaseModel):
    """A job and what has become of it."""

    id: str
    state: State
    created: float = Field(description="When it was asked for, in seconds since 1970.")
    since: float = Field(description="When the state began.")
    position: int | None = Field(description="Place in the queue, from 1.")
    attempt: int = Field(description="Number of times that it was started.")
    preview: int = Field(description="Number of the latest preview; 0: there is none.")
    progress: dict[str, Any] | None = Field(description="The last evaluation.")
    outcome: dict[str, Any] | None = Field(description="How it ended, and why.")
    params: dict[str, Any] = Field(description="What was asked for.")
    command: str = Field(description="Command that makes the same picture.")


class JobList(BaseModel):
    """Some of your jobs."""

    jobs: list[JobStatus]
    next: float | None = Field(description="Give it as `before` to get the next ones.")


class Token(BaseModel):
    """A token of this server."""

    token: str = Field(max_length=1000, pattern="^[ -~]*$")  # what a cookie can hold


class ProblemDocument(BaseModel):
    """A problem document, RFC 9457."""

    type: str
    title: str
    status: int
    code: str = Field(description=", ".join(CODES))
    detail: str
    errors: list[dict[str, Any]] | None = None


def problems(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """Return the answers of a route that refuse, for the document."""
    content = {"schema": {"$ref": "#/components/schemas/ProblemDocument"}}
    return {
        status: {
            "description": "; ".join(t for s, t in CODES.values() if s == status),
            "model": ProblemDocument,
            "content": {"application/problem+json": content},
        }
        for status in (400, *statuses)
    }


def _files(most: int) -> dict[str, Any]:
    one = {"type": "string", "contentMediaType": "application/octet-stream"}
    return {"type": "array", "items": one, "maxItems": most}


#: The form of a job.
BODY: Final[dict[str, Any]] = {
    "requestBody": {
        "required": True,
        "content": {
            "multipart/form-data": {
                "schema": {
                    "type": "object",
                    "properties": {
                        "params": Parameters.model_json_schema(),
                        "content": _files(1),
                        "style": _files(MOST_STYLES),
                        **{name: _files(MOST_STYLES) for name in PICTURES},
                    },
                },
                "encoding": {"params": {"contentType": "application/json"}},
            }
        },
    },
    "parameters": [
        {
            "name": "Idempotency-Key",
            "in": "header",
            "required": False,
            "schema": {"type": "string", "minLength": 1, "maxLength": LONGEST_NAME},
        }
    ],
}
