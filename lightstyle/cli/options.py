"""Options that several commands have, most of them made from fields of dataclasses.

Every setting that a job uses becomes an option of its command, and so does every field
of `RunOptions`. So a setting is declared once, with its default and its help, and every
command has it.

A setting comes from the command line, or else from a preset (``--config``), or else
from a picture that lightstyle made (``--like``), or else from the defaults.
"""

import inspect
from collections.abc import Callable, Collection, Mapping
from dataclasses import Field, dataclass, fields, replace
from pathlib import Path
from typing import Annotated, Any, Final

import typer

from ..engine.providers import DEVICES
from ..records.checkpoint import SECONDS
from ..settings import presets
from ..settings.choices import Metadata
from ..settings.fields import FIELDS, option_of, parse, take
from ..settings.jobs import JOBS
from ..settings.scalars import any_of
from ..settings.settings import Settings, option
from .like import Reference

#: Groups of options in ``--help``, besides those of the settings.
OUTPUT: Final = "Output"
_SOURCE: Final = "Settings from elsewhere"
_RUNTIME: Final = "Model, device and memory"
_CHECKPOINT: Final = "Interruptions"

Content = Annotated[Path, typer.Argument(metavar="CONTENT", help="Picture to paint.")]
Styles = Annotated[
    list[Path],
    typer.Argument(
        metavar="STYLE...", help="Picture to paint like; several are blended."
    ),
]
Output = Annotated[
    Path | None,
    typer.Option(
        "-o",
        "--output",
        metavar="PATH",
        help="Picture to write, or a folder; a new name by default.",
        rich_help_panel=OUTPUT,
    ),
]
OnCluster = Annotated[
    str | None,
    typer.Option(
        "--cluster",
        metavar="ADDRESS",
        help="Evaluate bands on a Ray cluster: auto, local or ray://HOST:PORT.",
        rich_help_panel="Many machines",
    ),
]
Quiet = Annotated[bool, typer.Option("--quiet", help="Print errors only.")]

_CONTEXT: Final = inspect.Parameter(
    "context", inspect.Parameter.KEYWORD_ONLY, annotation=typer.Context
)


@dataclass(frozen=True, kw_only=True)
class RunOptions:
    """How to run, what to write, and where settings that are not given come from.

    Apart from `like` and `config`, nothing here changes the picture.
    """

    like: Reference | None = option(
        None,
        "Take settings and model of a picture that lightstyle made.",
        _SOURCE,
        parser=Reference.read,
        metavar="PICTURE",
    )
    config: Mapping[str, Any] | None = option(
        None,
        f"Take settings from a preset: {any_of((*presets.names(), 'a file'))}; "
        "`info --config` prints one.",
        _SOURCE,
        parser=presets.read,
        metavar="PRESET",
    )
    model: str | None = option(
        None,
        "A name or a path; by default that of LIGHTSTYLE_MODEL, or the best one here.",
        _RUNTIME,
        metavar="MODEL",
    )
    device: str = option(
        "auto", f"Where to compute: {', '.join(DEVICES)}.", _RUNTIME, metavar="WORD"
    )
    threads: int | None = option(
        None, "CPU threads; by default all available.", _RUNTIME, metavar="N"
    )
    memory: str = option(
        "auto", "Memory to use at most, such as 2GB.", _RUNTIME, metavar="SIZE"
    )
    save_every: int = option(
        0, "Also save OUT_0050.png and so on, every N iterations.", OUTPUT, metavar="N"
    )
    timelapse: Path | None = option(
        None, "Write an animated WebP of the run.", OUTPUT, metavar="FILE"
    )
    log: Path | None = option(
        None, "Write a JSON object for every iteration.", OUTPUT, metavar="FILE"
    )
    checkpoint: str | None = option(
        None,
        "Keep the run in this file for `resume`; auto is OUT.checkpoint.",
        _CHECKPOINT,
        metavar="FILE",
    )
    checkpoint_every: float = option(
        SECONDS, "Time between two checkpoints.", _CHECKPOINT, metavar="SECONDS"
    )
    bits: int = option(
        8, "Bits per channel: 8, or 16 for PNG and TIFF.", OUTPUT, metavar="N"
    )
    dry_run: bool = option(
        False, "Print the memory and time the run would take, and stop.", _RUNTIME
    )
    no_metadata: bool = option(False, "The same as --metadata none.", OUTPUT)
    overwrite: bool = option(False, "Replace files that exist.", OUTPUT)
    quiet: bool = option(False, "Print errors only.")

    def settings(self, job: str, said: Mapping[str, Any]) -> Settings:
        """Return the settings of `job`: as `said`, or else from elsewhere.

        Raises:
            UsageError: A setting is invalid, or names a file that is not here.
        """
        default = self.like.settings(job) if self.like else Settings()
        if self.no_metadata:
            said = {**said, "metadata": Metadata.NONE}
        settings = default.changed(self.config or {}).changed(said)
        if self.like:
            self.like.check(settings)
        return settings


def takes(
    job: str | None = None, without: Collection[str] = ()
) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """Decorate a command whose last parameters are `settings` and `options`.

    Args:
        job: Function of `transfer` whose settings become options; None for a command
            that has no parameter `settings`.
        without: Settings and fields of `RunOptions` that make no sense for the command.
    """
    unused = JOBS[job].unused if job else FIELDS
    declared = {f.name: f for f in fields(Settings)}
    left_out = {*unused, *without}
    settings = {name: declared[name] for name in FIELDS if name not in left_out}
    options = {f.name: f for f in fields(RunOptions) if f.name not in without}

    def decorate(command: Callable[..., None]) -> Callable[..., None]:
        own = dict(inspect.signature(command, eval_str=True).parameters)
        for built in ("settings", "options"):
            own.pop(built, None)

        def wrapper(context: typer.Context, **values: Any) -> None:
            arguments = {name: values[name] for name in own}
            chosen = RunOptions(**{name: values[name] for name in options})
            if chosen.like and chosen.model is None:
                chosen = replace(chosen, model=chosen.like.model)
            if job:
                said = {n: values[n] for n in settings if _is_said(context, n)}
                read = {name: _read(name, value) for name, value in said.items()}
                arguments["settings"] = chosen.settings(job, read)
            command(**arguments, options=chosen)

        made = map(_parameter, (*settings.values(), *options.values()))
        parameters = [
            p.replace(kind=inspect.Parameter.KEYWORD_ONLY)
            for p in (*own.values(), *made, _CONTEXT)
        ]
        wrapper.__name__, wrapper.__doc__ = command.__name__, command.__doc__
        wrapper.__annotations__ = {p.name: p.annotation for p in parameters}
        vars(wrapper)["__signature__"] = inspect.Signature(parameters)
        return wrapper

    return decorate


def _parameter(declared: Field[Any]) -> inspect.Parameter:
    """Return a field as the parameter that Typer makes an option of."""
    name, kind, default = declared.name, declared.type, declared.default
    more = dict(declared.metadata)
    if name in FIELDS:
        row = FIELDS[name]
        kind = row.kind.option
        if kind == list[str]:
            default = []
        elif default is not None and kind is not bool:
            default = str(default)
        more |= {"metavar": row.kind.metavar, "rich_help_panel": row.group}
    flag = [f"--{option_of(name)}"] if kind is bool else []  # without a --no-…
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


def _read(name: str, value: Any) -> Any:
    return parse(name, value) if isinstance(value, str) else take(name, value)
