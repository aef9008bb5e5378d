"""The command ``lightstyle guide``: the pages of the guide, in the terminal."""

import sys
from pathlib import Path
from typing import Annotated, Final

import typer

from ..errors import UsageError
from .console import columns, show
from .help import command

#: Folder of the pages.
PAGES: Final = Path(__file__).parents[1] / "guide"


@command
def guide(
    topic: Annotated[
        str | None,
        typer.Argument(
            metavar="[TOPIC]", help="Page to read; without one, list the pages."
        ),
    ] = None,
) -> None:
    """Read the guide in the terminal.

    Pages are formatted on a terminal, and plain Markdown in a pipe.

    Examples:
        lightstyle guide
        lightstyle guide regions
    """
    pages = {path.stem: path for path in sorted(PAGES.glob("*.md"))}
    if topic is None:
        columns([(name, _title(path)) for name, path in pages.items()])
        show("\nlightstyle guide TOPIC prints a page.")
    elif topic in pages:
        _print(pages[topic].read_text("utf-8"))
    else:
        raise UsageError(
            f"the guide has no page {topic}: choose one of {', '.join(pages)}"
        )


def _title(path: Path) -> str:
    return path.read_text("utf-8").partition("\n")[0].removeprefix("# ")


def _print(text: str) -> None:
    if not sys.stdout.isatty():
        show(text.rstrip())
        return
    from rich.console import Console
    from rich.markdown import Markdown

    Console(width=min(100, Console().width)).print(Markdown(text))
