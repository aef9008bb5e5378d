"""The command ``lightstyle resume``: goes on with a run that was cut off."""

from pathlib import Path
from typing import Annotated, Final

import typer

from . import run
from .arguments import Debug, Quiet
from .help import Command, new_app

app = new_app()

_EXAMPLES: Final = """\
lightstyle stylize photo.jpg painting.jpg -o out.png --checkpoint auto
lightstyle resume out.png.checkpoint"""


@app.command(cls=Command, epilog=_EXAMPLES)
def resume(
    checkpoint: Annotated[
        Path,
        typer.Argument(
            metavar="CHECKPOINT",
            help="File that --checkpoint wrote.",
            show_default=False,
        ),
    ],
    quiet: Quiet = False,
    debug: Debug = False,
) -> None:
    """Continue a run from its checkpoint.

    The run keeps all its options, its settings and its output.
    """
    run.resume(checkpoint, quiet=quiet)
