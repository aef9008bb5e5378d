"""The command line: the commands, and one line and one exit code for every error.

What is heavy (scipy, onnxruntime) is imported by the modules that need it when they
need it, so that ``--help`` answers at once.
"""

import sys
from dataclasses import replace
from pathlib import Path
from typing import Annotated

import typer

from ..contract import BUNDLED_MODEL
from ..errors import ExitCode, LightstyleError, UsageError
from ..settings.settings import DEMO, Settings
from ..transfer import stylize as transfer
from ..zoo import registry
from . import bug_report, info, models, run
from .batch import batch
from .compare import compare
from .options import RunOptions, takes
from .progress import say
from .run import make
from .sheet import sheet

app = typer.Typer(
    name="lightstyle",
    help="Neural style transfer on ONNX Runtime, without a training framework.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)
app.add_typer(models.app, name="models")

_Content = Annotated[Path, typer.Argument(help="Picture to paint.", show_default=False)]
_Styles = Annotated[
    list[Path], typer.Argument(help="Pictures to paint like.", show_default=False)
]
_Output = Annotated[Path, typer.Option("-o", "--output", help="Picture to write.")]

_DEMO = Path(__file__).parents[1] / "demo"

_CONTENT_ONLY = {
    *("content_weight", "content_layers", "size", "enlarge"),
    *("content_mask", "regions", "outside"),
}
_STYLE_ONLY = {
    *("style_weight", "style_layers", "style_loss", "balance_layers", "style_scale"),
    *("blend", "color", "colors_of"),
    *("content_mask", "style_mask", "regions", "outside"),
}


@app.command()
@takes(Settings(), RunOptions())
def stylize(
    content: _Content,
    style: _Styles,
    output: _Output,
    settings: Settings,
    options: RunOptions,
) -> None:
    """Paint the picture CONTENT in the style of STYLE, or in a blend of several."""
    pictures = {"content": content, "style": style}
    make(transfer.stylize, pictures, output, settings, options)


@app.command("content")
@takes(Settings(), RunOptions(), without=_STYLE_ONLY)
def reconstruct(
    content: _Content, output: _Output, settings: Settings, options: RunOptions
) -> None:
    """Find a picture with the content features of CONTENT alone, from noise."""
    make(transfer.reconstruct, {"content": content}, output, settings, options)


@app.command()
@takes(Settings(), RunOptions(), without=_CONTENT_ONLY)
def texture(
    style: _Styles,
    output: _Output,
    size: Annotated[
        str | None,
        typer.Option(
            help="Size of the picture, WIDTHxHEIGHT; if not given, that of --like."
        ),
    ] = None,
    *,
    settings: Settings,
    options: RunOptions,
) -> None:
    """Make a texture in the style of STYLE, or of several, alone, from noise."""
    if size is None and options.like is not None:
        width_and_height = options.like.record.size
    else:
        width_and_height = _parse_size(size)
    given = {"style": style, "size": width_and_height}
    make(transfer.texture, given, output, settings, options)


@app.command()
def resume(
    checkpoint: Annotated[
        Path, typer.Argument(help="File that --checkpoint named.", show_default=False)
    ],
    quiet: Annotated[bool, typer.Option("--quiet", help="Print errors only.")] = False,
    debug: Annotated[
        bool, typer.Option("--debug", help="Show the traceback of an error.")
    ] = False,
) -> None:
    """Continue the run that was kept in CHECKPOINT, with all its options."""
    run.resume(checkpoint, quiet=quiet)


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
        raise UsageError(f"the exporter is not installed: {registry.EXTRA}")
    raise typer.Exit(module.main(context.args))


@app.command()
@takes(RunOptions(), without={"model", "like", "config"})
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
    make(transfer.stylize, pictures, output, DEMO, bundled)


app.command()(batch)
app.command()(sheet)
app.command()(compare)
app.command()(info.info)


def main(arguments: list[str] | None = None) -> None:
    """Run the command line and exit: one line for every error, and its exit code."""
    arguments = sys.argv[1:] if arguments is None else arguments
    command = typer.main.get_command(app)
    debug = "--debug" in arguments
    if debug:
        for line in bug_report.header(arguments):
            say(line)
    try:
        code = command(arguments or ["--help"], "lightstyle", standalone_mode=False)
    except (Exception, KeyboardInterrupt) as error:
        if debug:
            say(bug_report.traced(error))
        code = _report(error)
    sys.exit(int(code or ExitCode.OK))


def _parse_size(text: str | None) -> tuple[int, int]:
    if text is None:
        raise UsageError("a texture needs a size: --size WIDTHxHEIGHT")
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
