"""Turns the fields of dataclasses into command-line options.

A command names the settings objects it takes, with the defaults it starts from; every
field becomes an option. So a setting is declared once, with its default and its help,
and every command and the API have it.
"""

import inspect
from collections.abc import Callable, Collection, Mapping
from dataclasses import Field, dataclass, fields, replace
from pathlib import Path
from typing import Annotated, Any

import typer

from .blend import Blend, Scale, parse_blend, parse_scale
from .checkpoint import SECONDS
from .layers import LayerWeights
from .session import DEVICES
from .settings import option

#: How options are read that are no plain values, by the type of their field.
_PARSERS: Mapping[Any, Callable[[str], Any]] = {
    LayerWeights: LayerWeights.parse,
    Scale: parse_scale,
    Blend: parse_blend,
}


@dataclass(frozen=True, kw_only=True)
class RunOptions:
    """How to run and what to print: nothing here changes the picture."""

    model: str | None = option(None, "Model: a name in the cache folder, or a path.")
    device: str = option("auto", f"Where to compute: {', '.join(DEVICES)}.")
    threads: int | None = option(None, "CPU threads; by default all it may use.")
    memory: str = option("auto", "Memory that may be taken, such as 2GB, or auto.")
    save_every: int = option(0, "Save OUT_0050.png … every N iterations; 0: never.")
    log: Path | None = option(None, "Write a JSON object for every iteration.")
    checkpoint: str | None = option(
        None, "Keep the run in this file, for `resume`; auto: OUT.checkpoint."
    )
    checkpoint_every: float = option(SECONDS, "Seconds between two checkpoints.")
    bits: int = option(8, "Bits of a channel: 8, or 16 for PNG and TIFF.")
    dry_run: bool = option(
        False, "Tell what it would take in memory and time, and stop."
    )
    overwrite: bool = option(False, "Replace files that exist.")
    quiet: bool = option(False, "Print errors only.")
    debug: bool = option(False, "Show the traceback of an error.")


def takes(
    *defaults: Any, without: Collection[str] = ()
) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """Decorate a command whose last parameters are dataclass instances.

    Args:
        defaults: An instance for each of them, with the defaults of its options.
        without: Fields that make no sense for this command: they become no option.
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

        def wrapper(**values: Any) -> None:
            given = {k: v for k, v in values.items() if k not in own}
            built = [_with(each, given) for each in defaults]
            arguments = {name: values[name] for name in own}
            command(**arguments, **dict(zip(taken, built, strict=True)))

        wrapper.__name__, wrapper.__doc__ = command.__name__, command.__doc__
        vars(wrapper)["__signature__"] = inspect.Signature(
            [p.replace(kind=inspect.Parameter.KEYWORD_ONLY) for p in parameters]
        )
        wrapper.__annotations__ = {p.name: p.annotation for p in parameters}
        return wrapper

    return decorate


def _parameter(declared: Field[Any], default: Any) -> inspect.Parameter:
    kind = declared.type
    if kind in _PARSERS:
        kind = str if default is not None else str | None
        default = default if default is None else str(default)
    flag = [f"--{declared.name.replace('_', '-')}"] if kind is bool else []
    return inspect.Parameter(
        declared.name,
        inspect.Parameter.KEYWORD_ONLY,
        default=default,
        annotation=Annotated[kind, typer.Option(*flag, help=declared.metadata["help"])],
    )


def _with(defaults: Any, values: Mapping[str, Any]) -> Any:
    given = {f.name: values[f.name] for f in fields(defaults) if f.name in values}
    for f in fields(defaults):
        if f.type in _PARSERS and given.get(f.name) is not None:
            given[f.name] = _PARSERS[f.type](given[f.name])
    return replace(defaults, **given)
