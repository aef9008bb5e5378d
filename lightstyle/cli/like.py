"""The picture that ``--like`` names, and how a run differs from its own."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Self

from ..records.record import Record
from ..settings.settings import Settings
from ..zoo import registry

#: Digits of a digest that are enough to tell weights apart.
_DIGITS = 12


@dataclass(frozen=True)
class Reference:
    """A picture that lightstyle made, by the name it was given, and its record."""

    name: str
    record: Record

    @classmethod
    def read(cls, name: str) -> Self:
        """Read the picture file called `name`.

        Raises:
            ImageError: It is not a picture, or holds no record.
        """
        return cls(name, Record.read(name))

    def settings(self, job: str) -> Settings:
        """Its settings, for `job`; another job has a start of its own."""
        return self.record.settings_for(job)

    def check(self, settings: Settings) -> None:
        """Check that the picture files which `settings` took over are here.

        Raises:
            UsageError: One is missing; the record knows only its name.
        """
        self.record.check_files(settings, self.name)

    @property
    def model(self) -> str | None:
        """Path of the model that made it, if it is on this machine."""
        found = registry.with_weights(self.record.weights)
        return None if found is None else str(found)

    def differences(self, made: Record) -> Iterator[str]:
        """Yield lines on how the record `made` differs, apart from its settings.

        Differences that change only the last bits are left out unless everything else
        is the same.
        """
        mine, others = self.record.model, made.model
        if mine.get("weights_sha256") != others.get("weights_sha256"):
            yield (
                f"{self.name} was made with {_weights(mine)}, this run uses "
                f"{_weights(others)}; --model chooses"
            )
        changed = [*self._changed_files(made)]
        yield from changed
        same = made.settings == self.record.settings and made.size == self.record.size
        if not same or changed:
            return
        planned = self.record.settings.iterations
        if self.record.evaluations < planned:
            yield (
                f"{self.name} was saved at iteration {self.record.evaluations}; this "
                f"run may continue to {planned}"
            )
        if not self.record.uninterrupted:
            yield (
                f"{self.name} was resumed without the optimiser's history and cannot "
                "be repeated exactly"
            )
        if unlike := ", ".join(_unlike(_circumstances(self.record), made)):
            yield f"{self.name} was computed with {unlike}: bits may differ"

    def other_layouts(self, made: Record) -> Iterator[str]:
        """Yield lines on what was computed in another layout than in this picture."""
        for key, layout in self.record.layouts.items():
            used = made.layouts.get(key, layout)
            if used.bands != layout.bands:
                yield (
                    f"{key} was computed {layout.how} in {self.name}, and {used.how} "
                    "here: bits may differ"
                )
            elif (used.tiling, used.history) != (layout.tiling, layout.history):
                yield (
                    f"there is not enough memory to compute {key} as in {self.name}: "
                    "bits may differ"
                )

    def _changed_files(self, made: Record) -> Iterator[str]:
        for role, known in self.record.inputs.items():
            found = made.inputs.get(role, known)
            if found["name"] == known.get("name") and found != known:
                yield f"{role} {found['name']} has changed since {self.name} was made"


def _weights(model: Any) -> str:
    return f"{model.get('name')} ({str(model.get('weights_sha256'))[:_DIGITS]}…)"


def _circumstances(record: Record) -> dict[str, Any]:
    """Return what may change the last bits of a picture, by name."""
    where = dict(record.environment)
    versions = where.get("versions")
    return {
        "device": where.get("device"),
        "threads": where.get("threads") or where.get("cpus"),
        "system": where.get("system"),
        "instruction sets": where.get("instruction_sets"),
        "graph": record.model.get("graph"),
        "generator": record.model.get("generator"),
        **(versions if isinstance(versions, dict) else {}),
    }


def _unlike(before: dict[str, Any], made: Record) -> Iterator[str]:
    now = _circumstances(made)
    for name, value in before.items():
        if value != now.get(name):
            yield f"{name} {value} (now {now.get(name)})"
