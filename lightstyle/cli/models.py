"""The commands ``lightstyle models list | fetch | path | verify``."""

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Annotated

import typer

from ..contract import BUNDLED_MODEL, DEFAULT_MODEL, weights_path
from ..errors import ExitCode, ModelError
from ..zoo import fetch as fetch_
from ..zoo import known, registry
from ..zoo.download import DownloadProgress, part_path
from ..zoo.known import Known
from .progress import say

if TYPE_CHECKING:
    from rich.progress import Progress as Bar

#: Plain lines printed over a whole download, where stderr is no terminal.
PLAIN_LINES = 10

_MEGABYTE = 10**6
_Row = tuple[str, str, str, str, str]

app = typer.Typer(
    help="Get the official weights of VGG19, and see which models are there.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)

_Name = Annotated[str, typer.Argument(help="Weights, as `models list` names them.")]
_Model = Annotated[
    str | None,
    typer.Argument(help="Model: a name in the cache folder, or a path."),
]
_From = Annotated[
    str | None,
    typer.Option(
        "--from", metavar="FILE|URL", help="Copy of the file, instead of the mirrors."
    ),
]
_Offline = Annotated[
    bool,
    typer.Option("--offline", help="Without the network, as by LIGHTSTYLE_OFFLINE=1."),
]
_Quiet = Annotated[bool, typer.Option("--quiet", help="Print errors only.")]
_Debug = Annotated[bool, typer.Option("--debug", help="Show tracebacks.")]


@app.command("list")
def list_() -> None:
    """Print the bundled model and the weights that can be fetched."""
    rows = [("NAME", "WHAT", "SIZE", "LICENCE", "HERE"), _bundled_row()]
    rows += [_row(entry) for entry in known.KNOWN.values()]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    for row in rows:
        cells = [cell.ljust(width) for cell, width in zip(row, widths, strict=True)]
        print("  ".join(cells).rstrip())


@app.command()
def fetch(
    name: _Name = DEFAULT_MODEL,
    source: _From = None,
    offline: _Offline = False,
    quiet: _Quiet = False,
    debug: _Debug = False,
) -> None:
    """Download official weights, check them, and make the model of them.

    A download that broke off goes on where it did.
    """
    entry = known.known(name)
    try:
        with _shown(entry, quiet) as watcher:
            path = fetch_.fetch(name, source=source, offline=offline, watcher=watcher)
    except KeyboardInterrupt as error:
        part = part_path(entry.path)
        kept = (
            f"; {part} is kept, and the same command goes on" if part.exists() else ""
        )
        say(f"interrupted{kept}")
        raise typer.Exit(ExitCode.INTERRUPTED) from error
    if not quiet:
        say(f"model {path}, of the weights {entry.path}")


@app.command()
def path(name: _Model = None) -> None:
    """Print the path of the model that is used."""
    found = registry.find(name)
    if not found.is_file():
        fetched = f"lightstyle models fetch {name}"
        advice = (
            f"`{fetched}` gets it" if name in known.KNOWN else "see `lightstyle info`"
        )
        raise ModelError(f"there is no model {found}: {advice}")
    print(found)


@app.command()
def verify(name: _Model = None, debug: _Debug = False) -> None:
    """Check a model, and the weights it was fetched with."""
    for line in known.verify(name):
        print(line)


def _bundled_row() -> _Row:
    weights = weights_path(registry.bundled())
    here = weights.is_file()
    what = "a narrower VGG19 that estimates its losses, bundled"
    size = _megabytes(weights.stat().st_size) if here else "-"
    return BUNDLED_MODEL, what, size, known.ORIGINAL_LICENCE, "yes" if here else "no"


def _row(entry: Known) -> _Row:
    here = "weights" if entry.path.is_file() else "no"
    here = "yes" if registry.cached(entry.name).is_file() else here
    size = _megabytes(entry.expected.size)
    return entry.name, entry.what, size, entry.licence, here


def _megabytes(size: int) -> str:
    return f"{size / _MEGABYTE:.0f} MB"


@contextmanager
def _shown(entry: Known, quiet: bool) -> Iterator[DownloadProgress]:
    """Show what comes in: a bar on a terminal, plain lines elsewhere, or nothing."""
    if quiet:
        yield DownloadProgress()
    elif not sys.stderr.isatty():
        yield DownloadProgress(_plain(entry), say)
    else:
        with _bar() as bar:
            task = bar.add_task(entry.name, total=entry.expected.size, visible=False)
            yield DownloadProgress(
                lambda done: bar.update(task, completed=done, visible=True), say
            )


def _bar() -> "Bar":
    from rich.console import Console
    from rich.progress import (
        BarColumn,
        DownloadColumn,
        TextColumn,
        TimeRemainingColumn,
        TransferSpeedColumn,
    )
    from rich.progress import Progress as Bar

    return Bar(
        TextColumn("{task.description}"),
        BarColumn(bar_width=24),
        DownloadColumn(),
        TransferSpeedColumn(),
        TimeRemainingColumn(),
        console=Console(stderr=True),
    )


def _plain(entry: Known) -> Callable[[int], None]:
    size, last = entry.expected.size, -1

    def report(done: int) -> None:
        nonlocal last
        step = done * PLAIN_LINES // size
        if step != last:
            last = step
            say(
                f"{entry.name}  {done / _MEGABYTE:.1f} of {size / _MEGABYTE:.1f} MB "
                f"({100 * done // size} %)"
            )

    return report
