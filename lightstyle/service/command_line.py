"""The command that makes the picture of a job, for somebody who has its pictures."""

import shlex
from collections.abc import Iterator
from typing import Any

from ..settings.fields import FIELDS, option_of, plain
from ..settings.jobs import JOBS
from ..settings.settings import Settings
from .folder import Spec


def command_line(spec: Spec, model: str | None) -> str:
    """Return the command; pictures are named as in `Spec.pictures`.

    Args:
        spec: What was asked for.
        model: Name of the model if none was asked for.
    """
    words = ["lightstyle", JOBS[spec.job].command]
    words += [*([spec.content] if spec.content else ()), *spec.style]
    if spec.size:
        words += ["--size", "{}x{}".format(*spec.size)]
    settings, default = spec.parsed, Settings()
    for name in FIELDS:
        value = getattr(settings, name)
        if value != getattr(default, name) and name not in JOBS[spec.job].unused:
            words += _option(name, plain(name, value))
    if model := spec.model or model:
        words += ["--model", model]
    return shlex.join([*words, "-o", f"out{spec.suffix}"])


def _option(name: str, value: Any) -> Iterator[str]:
    """Yield an option as the command line takes it."""
    option = f"--{option_of(name)}"
    kind = FIELDS[name].kind
    if value is True:
        yield option
    elif kind.option == list[str]:  # once for each
        for each in value:
            yield from (option, each)
    elif kind.not_files is not None and isinstance(value, list | tuple):
        yield from (option, *value)
    elif isinstance(value, list | tuple):
        yield from (option, ",".join(map(str, value)))
    else:
        yield from (option, str(value))
