"""A picture that others are made like, and what keeps them from being the same."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Self

from ..errors import UsageError
from ..records.record import Record
from ..settings.jobs import prepared
from ..settings.settings import Settings

#: Digits of a digest that are enough to tell weights apart.
_DIGITS = 12


@dataclass(frozen=True)
class Reference:
    """A picture, as it was named, and what it says of how it was made."""

    name: str
    record: Record

    @classmethod
    def read(cls, name: str) -> Self:
        """The picture file called `name`.

        Raises:
            ImageError: It is none, or says nothing of how it was made.
        """
        return cls(name, Record.read(name))

    def settings(self, job: str) -> Settings:
        """Its settings, for `job`; another job has a start of its own."""
        settings = self.record.settings
        own = settings if job == self.record.job else replace(settings, init=None)
        return prepared(own, job)

    def check(self, settings: Settings) -> None:
        """Refuse to use a picture of which only the name is known here.

        Raises:
            UsageError: `settings` took it over, and there is no such file.
        """
        for name, path in settings.files.items():
            taken = path == self.record.settings.files.get(name)
            if taken and not Path(path).is_file():
                option = name.partition(" ")[0].replace("_", "-")
                raise UsageError(
                    f"{self.name} was made with a picture called {Path(path).name}, "
                    f"which is not here: say with --{option} where it is"
                )

    def differences(self, made: Record) -> Iterator[str]:
        """What a picture that is `made` has not from this one, beside its settings.

        Lines for a person. What only changes the last bits is told only if all else is
        the same.
        """
        mine, others = self.record.model, made.model
        if mine.get("weights_sha256") != others.get("weights_sha256"):
            yield (
                f"{self.name} was made with {_weights(mine)}, not with "
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
                f"{self.name} is of iteration {self.record.evaluations}, and this run "
                f"may go on to {planned}"
            )
        if not self.record.uninterrupted:
            yield (
                f"{self.name} was resumed without the optimiser's history, and cannot "
                "be made again exactly"
            )
        if unlike := ", ".join(_unlike(_circumstances(self.record), made)):
            yield f"{self.name} was computed with {unlike}: bits may differ"

    def other_layouts(self, made: Record) -> Iterator[str]:
        """Why a picture was computed otherwise than this one, if so, for a person."""
        for key, layout in self.record.layouts.items():
            used = made.layouts.get(key, layout)
            if (used.tiling, used.history) != (layout.tiling, layout.history):
                yield (
                    f"the memory is not enough to compute {key} as for {self.name}: "
                    "bits may differ"
                )

    def _changed_files(self, made: Record) -> Iterator[str]:
        for role, known in self.record.inputs.items():
            found = made.inputs.get(role, known)
            if found["name"] == known.get("name") and found != known:
                yield f"{role} {found['name']} was changed since {self.name} was made"


def _weights(model: Any) -> str:
    return f"{model.get('name')} ({str(model.get('weights_sha256'))[:_DIGITS]}…)"


def _circumstances(record: Record) -> dict[str, Any]:
    """What may change the last bits, by what a person calls it."""
    where = dict(record.environment)
    return {
        "device": where.get("device"),
        "threads": where.get("threads") or where.get("cpus"),
        "system": where.get("system"),
        "instruction sets": where.get("instruction_sets"),
        "graph": record.model.get("graph"),
        "generator": record.model.get("generator"),
        **dict(where.get("versions") or {}),
    }


def _unlike(before: dict[str, Any], made: Record) -> Iterator[str]:
    now = _circumstances(made)
    for name, value in before.items():
        if value != now.get(name):
            yield f"{name} {value} (now {now.get(name)})"
