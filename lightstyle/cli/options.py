"""Turns the fields of dataclasses into command-line options.

A command names the settings objects it takes, with the defaults it starts from; every
field becomes an option. So a setting is declared once, with its default and its help,
and every command and the API have it.

What a command line does not say, a preset says (`--config`), or else a picture that was
made before (`--like`), or else the default.
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
    """How to run and what to print, and where settings that are not given come from.

    Beside the latter, nothing here changes the picture.
    """

    like: Reference | None = option(
        None,
        "Take the settings of a picture that was made before.",
        parser=Reference.read,
        metavar="PICTURE",
    )
    config: Mapping[str, Any] | None = option(
        None,
        "Take settings from this file (`info --config` makes one).",
        parser=presets.read,
        metavar="FILE",
    )
    model: str | None = option(None, "Model: a name in the cache folder, or a path.")
    device: str = option("auto", f"Where to compute: {', '.join(DEVICES)}.")
    threads: int | None = option(None, "CPU threads; by default all it may use.")
    memory: str = option("auto", "Memory that may be taken, such as 2GB, or auto.")
    save_every: int = option(0, "Save OUT_0050.png … every N iterations; 0: never.")
    timelapse: Path | None = option(None, "Write a film of the run, an animated WebP.")
    log: Path | None = option(None, "Write a JSON object for every iteration.")
    checkpoint: str | None = option(
        None, "Keep the run in this file, for `resume`; auto: OUT.checkpoint."
    )
    checkpoint_every: float = option(SECONDS, "Seconds between two checkpoints.")
    bits: int = option(8, "Bits of a channel: 8, or 16 for PNG and TIFF.")
    dry_run: bool = option(
        False, "Tell what it would take in memory and time, and stop."
    )
    no_metadata: bool = option(False, "Leave out of pictures what made them.")
    overwrite: bool = option(False, "Replace files that exist.")
    quiet: bool = option(False, "Print errors only.")
    debug: bool = option(False, "Show the traceback of an error.")

    def settings(self, default: Settings, job: str) -> Settings:
        """Of `job`, where the command line says nothing."""
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
    """Whether the command line gives the option, be it with its default."""
    source = context.get_parameter_source(name)
    return source is not None and source.name == "COMMANDLINE"


def _settings(
    default: Settings, options: RunOptions, job: str, said: Mapping[str, Any]
) -> Settings:
    """What was `said`, and what `options` or the `default` have for the rest."""
    read = {k: _read(k, value) for k, value in said.items() if k in FIELDS}
    settings = replace(options.settings(default, job), **read)
    if options.like is not None:
        options.like.check(settings)
    return settings


def _read(name: str, value: Any) -> Any:
    return parse(name, value) if isinstance(value, str) else take(name, value)
