"""Command-line options, made from the fields of dataclasses.

A command names the objects that it takes, with their defaults, and every field becomes
an option. So a setting is declared once, with its default and its help, and every
command has it.

A setting comes from the command line, or else from a preset (``--config``), or else
from a picture that lightstyle made (``--like``), or else from the defaults.
"""

import inspect
from collections.abc import Callable, Collection, Mapping
from dataclasses import Field, dataclass, fields, replace
from pathlib import Path
from typing import Annotated, Any

import typer

from ..engine.providers import DEVICES
from ..records.checkpoint import SECONDS
from ..settings import presets
from ..settings.fields import FIELDS, parse, take
from ..settings.jobs import JOBS
from ..settings.settings import Settings, option
from .like import Reference


@dataclass(frozen=True, kw_only=True)
class RunOptions:
    """How to run, what to write, and where settings that are not given come from.

    Apart from `like` and `config`, nothing here changes the picture.
    """

    like: Reference | None = option(
        None,
        "Take the settings of a picture that lightstyle made.",
        parser=Reference.read,
        metavar="PICTURE",
    )
    config: Mapping[str, Any] | None = option(
        None,
        "Take settings from a preset; `info --config` prints one.",
        parser=presets.read,
        metavar="FILE",
    )
    model: str | None = option(
        None, "A name or a path; by default the best one here.", metavar="MODEL"
    )
    device: str = option(
        "auto", f"Where to compute: {', '.join(DEVICES)}.", metavar="WORD"
    )
    threads: int | None = option(
        None, "CPU threads; by default all available.", metavar="N"
    )
    memory: str = option("auto", "Memory to use at most, such as 2GB.", metavar="SIZE")
    save_every: int = option(
        0, "Also save OUT_0050.png and so on, every N iterations.", metavar="N"
    )
    timelapse: Path | None = option(
        None, "Write an animated WebP of the run.", metavar="FILE"
    )
    log: Path | None = option(
        None, "Write a JSON object for every iteration.", metavar="FILE"
    )
    checkpoint: str | None = option(
        None,
        "Keep the run in this file for `resume`; auto is OUT.checkpoint.",
        metavar="FILE",
    )
    checkpoint_every: float = option(
        SECONDS, "Time between two checkpoints.", metavar="SECONDS"
    )
    bits: int = option(8, "Bits per channel: 8, or 16 for PNG and TIFF.", metavar="N")
    dry_run: bool = option(
        False, "Print the memory and time the run would take, and stop."
    )
    no_metadata: bool = option(
        False, "Leave the record of how it was made out of the picture."
    )
    overwrite: bool = option(False, "Replace files that exist.")
    quiet: bool = option(False, "Print errors only.")
    debug: bool = option(False, "Print the traceback of an error.")

    def settings(self, default: Settings, job: str) -> Settings:
        """Return the settings of `job` before those of the command line."""
        settings = self.like.settings(job) if self.like else default
        return replace(settings, **(self.config or {}))


def takes(
    *defaults: Any, without: Collection[str] = (), job: str | None = None
) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """Decorate a command whose last parameters are dataclass instances.

    Args:
        defaults: An instance for each of them, with the defaults of its options.
        without: Fields that make no sense for this command: they become no option,
            like the settings that its job does not use.
        job: Function of `transfer` that it calls; by default that of its name.
    """

    def decorate(command: Callable[..., None]) -> Callable[..., None]:
        signature = inspect.signature(command, eval_str=True)
        names = list(signature.parameters)
        own, taken = names[: -len(defaults)], names[-len(defaults) :]
        parameters = [signature.parameters[name] for name in own]
        called = job or command.__name__
        left_out = {*without, *(JOBS[called].unused if called in JOBS else ())}
        for each in defaults:
            parameters += [
                _parameter(f, getattr(each, f.name))
                for f in fields(each)
                if f.name not in left_out
            ]

        def wrapper(context: typer.Context, **values: Any) -> None:
            given = {k: v for k, v in values.items() if k not in own}
            options = replace(
                defaults[-1], **{k: v for k, v in given.items() if k not in FIELDS}
            )
            built = [options]
            if len(defaults) > 1:
                said = {k: v for k, v in given.items() if _is_said(context, k)}
                built = [_settings(defaults[0], options, called, said), options]
            arguments = {name: values[name] for name in own}
            command(**arguments, **dict(zip(taken, built, strict=True)))

        wrapper.__name__, wrapper.__doc__ = command.__name__, command.__doc__
        context = inspect.Parameter(
            "context", inspect.Parameter.KEYWORD_ONLY, annotation=typer.Context
        )
        parameters.append(context)
        vars(wrapper)["__signature__"] = inspect.Signature(
            [p.replace(kind=inspect.Parameter.KEYWORD_ONLY) for p in parameters]
        )
        wrapper.__annotations__ = {p.name: p.annotation for p in parameters}
        return wrapper

    return decorate


def _parameter(declared: Field[Any], default: Any) -> inspect.Parameter:
    name, kind, more = declared.name, declared.type, dict(declared.metadata)
    if name in FIELDS:
        row = FIELDS[name]
        kind = row.kind.option
        if kind == list[str]:
            default = list(default)
        elif default is not None and kind is not bool:
            default = str(default)
        more |= {} if kind is bool else {"metavar": row.kind.metavar}
    flag = [f"--{name.replace('_', '-')}"] if kind is bool else []
    return inspect.Parameter(
        name,
        inspect.Parameter.KEYWORD_ONLY,
        default=default,
        annotation=Annotated[kind, typer.Option(*flag, **more)],
    )


def _is_said(context: typer.Context, name: str) -> bool:
    """Return whether the command line gives the option, even with its default."""
    source = context.get_parameter_source(name)
    return source is not None and source.name == "COMMANDLINE"


def _settings(
    default: Settings, options: RunOptions, job: str, said: Mapping[str, Any]
) -> Settings:
    """Return settings as `said`, and the rest from `options` or the `default`."""
    read = {k: _read(k, value) for k, value in said.items() if k in FIELDS}
    settings = replace(options.settings(default, job), **read)
    if options.like is not None:
        options.like.check(settings)
    return settings


def _read(name: str, value: Any) -> Any:
    return parse(name, value) if isinstance(value, str) else take(name, value)
