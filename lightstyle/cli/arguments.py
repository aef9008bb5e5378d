"""Arguments that several commands have."""

from pathlib import Path
from typing import Annotated

import typer

Content = Annotated[
    Path,
    typer.Argument(metavar="CONTENT", help="Picture to paint.", show_default=False),
]
Styles = Annotated[
    list[Path],
    typer.Argument(
        metavar="STYLE...",
        help="Picture to paint like; several are blended.",
        show_default=False,
    ),
]
Output = Annotated[
    Path | None,
    typer.Option(
        "-o",
        "--output",
        metavar="PATH",
        help="Picture to write, or a folder; by default a new name beside the input.",
        show_default=False,
    ),
]
Quiet = Annotated[bool, typer.Option("--quiet", help="Print errors only.")]
Debug = Annotated[
    bool, typer.Option("--debug", help="Print the traceback of an error.")
]
