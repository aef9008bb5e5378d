"""The exporter's command line."""

import sys
import traceback
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer

from lightstyle.model_folder import DEFAULT_MODEL, NOWHERE, cache_folder

from . import CONTENT_LAYERS, LOWERINGS, STYLE_LAYERS, export_model
from .errors import ExportError, OutputError

#: Exit codes, the same as the run time's for options, models and outputs.
USAGE, FAILED, UNWRITTEN = 2, 4, 5

#: Most characters of an error; of a longer one, the middle is left out.
_LONGEST = 380

#: What stands for no layers at all.
NONE = "none"

app = typer.Typer(
    add_completion=False, pretty_exceptions_enable=False, rich_markup_mode=None
)


@app.command()
def export(
    weights: Annotated[
        Path,
        typer.Option(
            help="VGG19 weights: Keras .h5, PyTorch .pth, MatConvNet .mat, .onnx, .npz "
            "or .safetensors.",
        ),
    ],
    output: Annotated[
        Path | None,
        typer.Option("-o", "--output", help="Path of the model, MODEL.onnx."),
    ] = None,
    content_layers: Annotated[
        str, typer.Option(help="Layers with a content loss, or none.")
    ] = ",".join(CONTENT_LAYERS),
    style_layers: Annotated[
        str, typer.Option(help="Layers with a style loss, or none.")
    ] = ",".join(STYLE_LAYERS),
    pooling: Annotated[str, typer.Option(help="max or average.")] = "max",
    preprocessing: Annotated[
        str,
        typer.Option(
            help="How pictures were prepared in training: caffe (BGR - mean), "
            "torchvision ((RGB - mean) / std), or auto to recognise it.",
        ),
    ] = "auto",
    lowering: Annotated[
        str,
        typer.Option(
            help="auto, or none to leave out the graphs that are fast on CPUs.",
        ),
    ] = LOWERINGS[0],
    reduce: Annotated[
        Path | None,
        typer.Option(help="Make a smaller model, fitted to this folder of pictures."),
    ] = None,
    debug: Annotated[
        bool, typer.Option("--debug", help="Print the traceback of an error.")
    ] = False,
) -> None:
    """Make a model from a file of VGG19 weights.

    Without -o it becomes the default model of lightstyle.
    """
    path = output or cache_folder() / f"{DEFAULT_MODEL}.onnx"
    if path.suffix != ".onnx":
        raise ExportError(f"output {path}: a model's name must end in .onnx")
    if path.is_relative_to(NOWHERE):
        raise ExportError(
            "there is no home folder to keep the model in: name it with -o"
        )
    if output is None:
        path.parent.mkdir(parents=True, exist_ok=True)
    export_model(
        weights,
        path,
        content_layers=_layers(content_layers),
        style_layers=_layers(style_layers),
        pooling=pooling,
        preprocessing=preprocessing,
        lowering=lowering,
        reduce=reduce,
    )
    print(f"model {path}", file=sys.stderr)


def run(arguments: Sequence[str]) -> int:
    """Run the command on `arguments`, print an error as one line, return the code."""
    command = typer.main.get_command(app)
    try:
        code = command(list(arguments), "lightstyle export", standalone_mode=False)
    except Exception as error:
        if "--debug" in arguments:
            traceback.print_exception(error)
        if isinstance(error, ExportError):
            code = UNWRITTEN if isinstance(error, OutputError) else FAILED
            return _fail(str(error), code)
        if isinstance(error, OSError) and error.strerror:
            return _fail(f"{error.filename}: {error.strerror}", FAILED)
        if hasattr(error, "format_message"):  # typer's have no public base
            message = error.format_message().rstrip(".")
            return _fail(f"{message}; see lightstyle export --help", USAGE)
        raise
    return int(code or 0)


def _fail(message: str, code: int) -> int:
    line = " ".join(message.split())
    if len(line) > _LONGEST:
        line = f"{line[: _LONGEST // 2]} … {line[-_LONGEST // 2 :]}"
    line = "".join(c if c.isprintable() else "?" for c in line)
    print(f"error: {line}", file=sys.stderr)
    return code


def _layers(text: str) -> list[str]:
    names = [name.strip() for name in text.split(",") if name.strip()]
    return [] if names == [NONE] else names
