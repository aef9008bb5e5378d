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
from ..settings.blend import Blend, Scale, parse_blend, parse_scale
from ..settings.layers import LayerWeights
from ..settings.settings import Masks, Settings, option
from .like import Reference

#: How options are read that are no plain values, by the type of their field.
_PARSERS: Mapping[Any, Callable[[str], Any]] = {
    LayerWeights: LayerWeights.parse,
    Scale: parse_scale,
    Blend: parse_blend,
}


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
        without: Fields that make no sense for this command: they become no option.
        job: Function of `transfer` that it calls; by default that of its name.
    """

    def decorate(command: Callable[..., None]) -> Callable[..., None]:
        signature = inspect.signature(command, eval_str=True)
        names = list(signature.parameters)
        own, taken = names[: -len(defaults)], names[-len(defaults) :]
        parameters = [signature.parameters[name] for name in own]
        for each in defaults:
            parameters += [
                _parameter(f, getattr(each, f.name))
                for f in fields(each)
                if f.name not in without
            ]

        def wrapper(context: typer.Context, **values: Any) -> None:
            given = {k: v for k, v in values.items() if k not in own}
            built = [_with(each, given) for each in defaults]
            if isinstance(built[0], Settings):
                said = {k: v for k, v in given.items() if _is_said(context, k)}
                called = job or command.__name__
                built[0] = _settings(defaults[0], built[-1], called, said)
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
    kind = declared.type
    if kind == Masks:
        kind, default = list[str], list(default)
    if kind in _PARSERS:
        kind = str if default is not None else str | None
        default = default if default is None else str(default)
    flag = [f"--{declared.name.replace('_', '-')}"] if kind is bool else []
    return inspect.Parameter(
        declared.name,
        inspect.Parameter.KEYWORD_ONLY,
        default=default,
        annotation=Annotated[kind, typer.Option(*flag, **declared.metadata)],
    )


def _is_said(context: typer.Context, name: str) -> bool:
    """Whether the command line gives the option, be it with its default."""
    source = context.get_parameter_source(name)
    return source is not None and source.name == "COMMANDLINE"


def _settings(
    default: Settings, options: RunOptions, job: str, said: Mapping[str, Any]
) -> Settings:
    """What was `said`, and what `options` or the `default` have for the rest."""
    settings: Settings = _with(options.settings(default, job), said)
    if options.like is not None:
        options.like.check(settings)
    return settings


def _with(defaults: Any, values: Mapping[str, Any]) -> Any:
    given = {f.name: values[f.name] for f in fields(defaults) if f.name in values}
    for f in fields(defaults):
        if f.type in _PARSERS and given.get(f.name) is not None:
            given[f.name] = _PARSERS[f.type](given[f.name])
        if f.type == Masks and f.name in given:
            given[f.name] = tuple(given[f.name] or ())
    return replace(defaults, **given)
