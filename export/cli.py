"""The exporter's command line."""

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer

from lightstyle.contract import DEFAULT_MODEL, cache_folder

from . import CONTENT_LAYERS, STYLE_LAYERS, export_model
from .errors import ExportError

#: Exit code of a failed export, the one the run time has for everything about models.
FAILED = 4

app = typer.Typer(
    add_completion=False, pretty_exceptions_enable=False, rich_markup_mode=None
)


@app.command()
def export(
    weights: Annotated[Path, typer.Option(help="File of VGG19 weights.")],
    output: Annotated[
        Path | None,
        typer.Option("-o", "--output", help="Model to write, MODEL.onnx."),
    ] = None,
    content_layers: Annotated[
        str, typer.Option(help="Layers with a content term.")
    ] = ",".join(CONTENT_LAYERS),
    style_layers: Annotated[
        str, typer.Option(help="Layers with a style term.")
    ] = ",".join(STYLE_LAYERS),
    pooling: Annotated[str, typer.Option(help="max or average.")] = "max",
    preprocessing: Annotated[
        str, typer.Option(help="caffe (BGR - mean), torchvision (RGB, std), or auto.")
    ] = "auto",
    debug: Annotated[bool, typer.Option("--debug", help="Show tracebacks.")] = False,
) -> None:
    """Make a model from a file of VGG19 weights.

    Without -o it becomes the model that lightstyle uses when none is named.
    """
    try:
        path = output or cache_folder() / f"{DEFAULT_MODEL}.onnx"
        if output is None:
            path.parent.mkdir(parents=True, exist_ok=True)
        if path.suffix != ".onnx":
            raise ExportError(f"output {path}: a model's name must end in .onnx")
        export_model(
            weights,
            path,
            content_layers=_names(content_layers),
            style_layers=_names(style_layers),
            pooling=pooling,
            preprocessing=preprocessing,
        )
    except (ExportError, OSError) as error:
        if debug:
            raise
        print(f"error: {error}", file=sys.stderr)
        raise typer.Exit(FAILED) from error
    print(f"model {path}", file=sys.stderr)


def run(arguments: Sequence[str] | None = None) -> None:
    """Run on `arguments`, by default those of the process, and exit."""
    app(None if arguments is None else list(arguments), prog_name="lightstyle export")


def _names(text: str) -> list[str]:
    return [name.strip() for name in text.split(",") if name.strip()]
