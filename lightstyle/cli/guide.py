"""The command ``lightstyle guide``: the pages of the guide, in the terminal."""

import sys
from collections.abc import Mapping
from difflib import get_close_matches
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
    pages = {path.stem: path.read_text("utf-8") for path in sorted(PAGES.glob("*.md"))}
    if topic is None:
        columns([(name, _title(text)) for name, text in pages.items()])
        show("\nlightstyle guide TOPIC prints a page.")
    elif topic in pages:
        _print(pages[topic])
    else:
        raise UsageError(f"the guide has no page {topic}: {_advice(topic, pages)}")


def _title(text: str) -> str:
    return text.partition("\n")[0].removeprefix("# ")


def _advice(topic: str, pages: Mapping[str, str]) -> str:
    """Name the page with nearly that name, or else the one that has the word most."""
    near = get_close_matches(topic, pages, 1)
    uses = {name: text.lower().count(topic.lower()) for name, text in pages.items()}
    if not near and any(uses.values()):
        near = [max(pages, key=lambda name: uses[name])]
    if near:
        return f"did you mean {near[0]}?"
    return f"choose one of {', '.join(pages)}"


def _print(text: str) -> None:
    if not sys.stdout.isatty():
        show(text.rstrip())
        return
    from rich.console import Console
    from rich.markdown import Markdown

    Console(width=min(100, Console().width)).print(Markdown(text))
