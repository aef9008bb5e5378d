"""The jobs, the pictures each has, and what follows: its settings and its layers."""

from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from typing import Any, Final

from ..contract import LAYERS
from .choices import Init
from .fields import FIELDS
from .settings import Settings


@dataclass(frozen=True)
class JobKind:
    """A job, called like its function in `transfer`.

    Attributes:
        pictures: Roles of the pictures that it takes.
        start: What it starts from, if `Settings.init` is None.
        command: Its command.
    """

    pictures: frozenset[str]
    start: Init
    command: str

    @property
    def unused(self) -> frozenset[str]:
        """Settings that have no effect on the job."""
        return frozenset(
            name for name, row in FIELDS.items() if not row.pictures <= self.pictures
        )


JOBS: Final[Mapping[str, JobKind]] = {
    "stylize": JobKind(frozenset({"content", "style"}), Init.CONTENT, "stylize"),
    "reconstruct": JobKind(frozenset({"content"}), Init.NOISE, "content"),
    "texture": JobKind(frozenset({"style"}), Init.NOISE, "texture"),
}


@dataclass(frozen=True)
class Layers:
    """Layers that a job asks of a model, in the network's order.

    Attributes:
        content: Layers whose features are compared position by position.
        style: Layers whose statistics are compared.
    """

    content: tuple[str, ...]
    style: tuple[str, ...]


def required_layers(settings: Settings, job: str) -> Layers:
    """Return the layers of a model that `job` uses with `settings`."""
    pictures = JOBS[job].pictures
    features: set[str] = set()
    if "content" in pictures:
        features.update(settings.content_layers.used)
    if "style" in pictures:
        features.update(settings.matched_layers)
    return Layers(
        content=tuple(layer for layer in LAYERS if layer in features),
        style=settings.style_layers.used if "style" in pictures else (),
    )


def prepared(settings: Settings, job: str) -> Settings:
    """Return the settings as `job` uses them: with its start, and no others.

    A setting that has no effect on the job gets its default. Lists of layers stay: a
    default could clash with another setting, and nothing asks for layers that
    `required_layers` leaves out.
    """
    unused = JOBS[job].unused - {"content_layers", "style_layers"}
    defaults: dict[str, Any] = {f.name: f.default for f in fields(settings)}
    changes = {name: defaults[name] for name in unused}
    return replace(settings, **changes, init=settings.init or JOBS[job].start)
