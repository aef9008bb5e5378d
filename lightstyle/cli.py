"""The command line: the commands, and one line and one exit code for every error.

What is heavy (scipy, onnxruntime) is imported by the modules that need it when they
need it, so that ``--help`` answers at once.
"""

import os
import sys
import traceback
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import replace
from importlib import metadata
from pathlib import Path
from typing import Annotated, Any

import typer

from . import cli_models, console, memory, registry, session, transfer
from . import output as output_
from .cli_options import RunOptions, takes
from .console import Interrupt, Saver, say
from .contract import BUNDLED_MODEL, VERSION
from .errors import (
    DeviceError,
    ExitCode,
    LightstyleError,
    OutputError,
    TransferError,
    UsageError,
)
from .optimize import Status
from .result import Progress, Result
from .settings import DEMO, INITS, Settings

app = typer.Typer(
    name="lightstyle",
    help="Neural style transfer on ONNX Runtime, without a training framework.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)
app.add_typer(cli_models.app, name="models")

_Content = Annotated[Path, typer.Argument(help="Picture to paint.", show_default=False)]
_Style = Annotated[Path, typer.Argument(help="Picture to paint like.")]
_Output = Annotated[Path, typer.Option("-o", "--output", help="Picture to write.")]

_DEMO = Path(__file__).parent / "demo"

_CONTENT_ONLY = {"content_weight", "content_layers", "size", "enlarge"}
_STYLE_ONLY = {"style_weight", "style_layers", "style_scale"}


@app.command()
@takes(Settings(), RunOptions())
def stylize(
    content: _Content,
    style: _Style,
    output: _Output,
    settings: Settings,
    options: RunOptions,
) -> None:
    """Paint the picture CONTENT in the style of the picture STYLE."""
    pictures = {"content": content, "style": style}
    _make(transfer.stylize, (content, style), output, settings, options, **pictures)


@app.command("content")
@takes(Settings(), RunOptions(), without=_STYLE_ONLY)
def reconstruct(
    content: _Content, output: _Output, settings: Settings, options: RunOptions
) -> None:
    """Find a picture with the content features of CONTENT alone, from noise."""
    _make(transfer.reconstruct, (content,), output, settings, options, content=content)


@app.command()
@takes(Settings(), RunOptions(), without=_CONTENT_ONLY)
def texture(
    style: _Style,
    output: _Output,
    size: Annotated[str, typer.Option(help="Size of the picture, WIDTHxHEIGHT.")],
    settings: Settings,
    options: RunOptions,
) -> None:
    """Make a texture in the style of STYLE alone, from noise."""
    job, sides = transfer.texture, _parse_size(size)
    _make(job, (style,), output, settings, options, style=style, size=sides)


@app.command(
    context_settings={
        "allow_extra_args": True,
        "ignore_unknown_options": True,
        "help_option_names": [],
    }
)
def export(context: typer.Context) -> None:
    """Make a model from a file of VGG19 weights (needs the extra `export`)."""
    module = registry.exporter()
    if module is None:
        raise UsageError(
            'the exporter is not installed: pip install "lightstyle[export]"'
        )
    raise typer.Exit(module.main(context.args))


@app.command()
@takes(RunOptions(), without={"model"})
def demo(
    output: Annotated[
        Path, typer.Option("-o", "--output", help="Picture to write.")
    ] = Path("lightstyle-demo.png"),
    *,
    options: RunOptions,
) -> None:
    """Make a picture of two that come with the package, with the bundled model."""
    pictures = {"content": _DEMO / "scene.jpg", "style": _DEMO / "painting.jpg"}
    bundled = replace(options, model=BUNDLED_MODEL)
    _make(transfer.stylize, [*pictures.values()], output, DEMO, bundled, **pictures)


@app.command()
def info() -> None:
    """Print versions, devices, and the models that are found."""
    print(f"lightstyle   {VERSION}")
    print(f"python       {sys.version.split()[0]}")
    for package in ("numpy", "scipy", "pillow"):
        print(f"{package:12} {metadata.version(package)}")
    try:
        print(f"onnxruntime  {session.runtime_version()}")
        print(f"devices      {', '.join(session.available_devices())}")
    except DeviceError as error:
        print(f"onnxruntime  none ({error})")
    print(f"cpus         {session.available_cpus()}")
    exporter = "installed" if registry.exporter() else "not installed"
    print(f"exporter     {exporter}")
    for path in registry.available():
        print(f"model        {path}")
    print(f"default      {registry.find(None)}")


def main(arguments: list[str] | None = None) -> None:
    """Run the command line and exit: one line for every error, and its exit code."""
    arguments = sys.argv[1:] if arguments is None else arguments
    command = typer.main.get_command(app)
    try:
        code = command(arguments or ["--help"], "lightstyle", standalone_mode=False)
    except (Exception, KeyboardInterrupt) as error:
        if "--debug" in arguments:
            traceback.print_exception(error)
        code = _report(error)
    sys.exit(int(code or ExitCode.OK))


def _make(
    job: Callable[..., Result],
    inputs: Sequence[Path],
    path: Path,
    settings: Settings,
    options: RunOptions,
    **pictures: Any,
) -> None:
    """Check everything that can be checked, run `job`, write what it made."""
    saver = Saver(path, options.save_every, options.bits)
    if settings.init not in (None, *INITS):
        inputs = [*inputs, Path(settings.init)]
    _check_outputs(inputs, path, saver.existing(settings.iterations), options)
    failures: list[OutputError] = []
    with ExitStack() as stack:
        interrupt = stack.enter_context(Interrupt())
        model = registry.load(
            options.model,
            settings,
            options.device,
            options.threads,
            memory.parse(options.memory),
        )
        where = f"model {model.info.path} on {model.device}"
        watchers = [
            stack.enter_context(
                console.display(where, settings.iterations, quiet=options.quiet)
            ),
            stack.enter_context(console.log(options.log)),
            saver,
            interrupt,
        ]

        def callback(progress: Progress) -> None:
            try:
                for watch in watchers:
                    watch(progress)
            except OutputError as error:  # the best picture is saved before it is told
                failures.append(error)
                raise StopIteration from error

        result = job(**pictures, model=model, settings=settings, callback=callback)
    result.save(path, options.bits)
    if not options.quiet:
        _summarise(result, path)
    _conclude(result, path, failures)


def _conclude(result: Result, path: Path, failures: Sequence[OutputError]) -> None:
    """End with the exit code of what went wrong on the way to the picture, if any."""
    if failures:
        raise failures[0]
    if result.status is Status.NON_FINITE:
        raise TransferError(
            "the loss stopped being a finite number at iteration "
            f"{result.evaluations}: {path} is the best picture before that; lower "
            "the weights"
        )
    if result.status is Status.CANCELLED:
        raise typer.Exit(ExitCode.INTERRUPTED)


def _check_outputs(
    inputs: Sequence[Path], path: Path, existing: Sequence[Path], options: RunOptions
) -> None:
    if options.save_every < 0:
        raise UsageError(f"save-every is {options.save_every}, expected 0 or more")
    output_.check_format(path, options.bits)
    for picture in (path, *existing):
        output_.check_writable(picture, inputs=inputs, overwrite=options.overwrite)
    if options.log is not None:
        taken = [os.path.realpath(other) for other in (*inputs, path, *existing)]
        if os.path.realpath(options.log) in taken:
            raise UsageError(f"log {options.log} is also a picture: give another name")
        output_.check_writable(options.log, inputs=inputs, overwrite=options.overwrite)


def _summarise(result: Result, path: Path) -> None:
    for note in result.notes:
        say(f"note: {note}")
    height, width = result.image_hwc.shape[:2]
    say(
        f"{path}: {width}x{height}, {result.evaluations} iterations of "
        f"{result.optimizer} in "
        f"{result.seconds:.1f} s, loss {result.loss:.6g} ({result.status.value})"
    )


def _parse_size(text: str) -> tuple[int, int]:
    width, _, height = text.lower().partition("x")
    if not (width.isdecimal() and height.isdecimal()):
        raise UsageError(f"size is {text}, expected WIDTHxHEIGHT such as 512x384")
    return int(width), int(height)


def _report(error: BaseException) -> ExitCode:
    """Print `error` as one line and return its exit code."""
    if isinstance(error, KeyboardInterrupt):
        say("interrupted")
        return ExitCode.INTERRUPTED
    if isinstance(error, LightstyleError):
        message, code = str(error), error.exit_code
    elif isinstance(error, MemoryError):
        message, code = "out of memory: choose a smaller size", ExitCode.TRANSFER
    elif hasattr(error, "format_message"):  # typer's usage errors have no public base
        message, code = f"{error.format_message()} (see --help)", ExitCode.USAGE
    else:
        message = f"this is a bug in lightstyle: {type(error).__name__}: {error}"
        message, code = f"{message} (--debug shows where)", ExitCode.BUG
    say(f"error: {' '.join(message.split())}")
    return code
