"""The commands ``lightstyle models list | fetch | path | verify``."""

from collections.abc import Iterator
from contextlib import contextmanager
from time import perf_counter
from typing import Annotated

import typer
from typer.main import get_command

from ..contract import weights_path
from ..errors import ModelError, Stopped, describe
from ..lookup import exists, is_file, trouble
from ..model_folder import BUNDLED_MODEL, DEFAULT_MODEL
from ..text import duration
from ..zoo import fetch as fetch_
from ..zoo import known, registry
from ..zoo.cache_files import part_path
from ..zoo.download import DownloadProgress
from ..zoo.known import Known
from .console import Bar, columns, say, show
from .help import Command, new_app
from .options import Quiet

#: Plain lines printed over a whole download, where stderr is not a terminal.
PLAIN_LINES = 10

_MEGABYTE = 10**6
_Row = tuple[str, str, str, str, str]

app = new_app(help="List, fetch and check models.", no_args_is_help=True)

_Name = Annotated[
    str,
    typer.Argument(
        metavar="[NAME]",
        help=f"Weights, as `models list` names them; by default {DEFAULT_MODEL}.",
    ),
]
_Model = Annotated[
    str | None,
    typer.Argument(
        metavar="[MODEL]",
        help="vgg19-lite, a name in the cache folder or a path; the model in use by "
        "default.",
    ),
]
_From = Annotated[
    str | None,
    typer.Option(
        "--from", metavar="FILE|URL", help="Take this copy instead of a mirror's."
    ),
]
_Offline = Annotated[
    bool,
    typer.Option("--offline", help="Use no network, as with LIGHTSTYLE_OFFLINE=1."),
]


@app.command("list", cls=Command)
def list_() -> None:
    """List the bundled model and the weights to fetch."""
    rows = [("NAME", "WHAT", "SIZE", "LICENCE", "HERE"), _bundled_row()]
    rows += [_row(entry) for entry in known.KNOWN.values()]
    columns(rows)


@app.command(cls=Command)
def fetch(
    name: _Name = DEFAULT_MODEL,
    source: _From = None,
    offline: _Offline = False,
    quiet: Quiet = False,
) -> None:
    """Download official weights and build the model.

    The weights are checked. A download that was interrupted continues.

    Examples:
        lightstyle models fetch vgg19
    """
    entry = known.known(name)
    try:
        with _shown(entry, quiet) as watcher:
            path = fetch_.fetch(name, source=source, offline=offline, progress=watcher)
    except (KeyboardInterrupt, Stopped) as error:
        part = part_path(entry.path)
        kept = f"; the same command continues with {part}" if exists(part) else ""
        line, code = describe(error)
        say(f"{line}{kept}")
        raise typer.Exit(code) from error
    if not quiet:
        say(f"model {path}, built from {entry.path}")


@app.command(cls=Command)
def path(name: _Model = None) -> None:
    """Print the path of the model in use."""
    found = registry.find(name)
    if what := trouble(found):
        advice = "see `lightstyle info`"
        if name in known.KNOWN:
            advice = f"`lightstyle models fetch {name}` gets it"
        raise ModelError(f"model {found} {what}: {advice}")
    show(str(found))


@app.command(cls=Command)
def verify(name: _Model = None) -> None:
    """Check a model and the weights it was built from."""
    for line in known.verify(name):
        show(line)


models = get_command(app)


def _bundled_row() -> _Row:
    weights = weights_path(registry.bundled())
    here = is_file(weights)
    what = "a narrower VGG19 that estimates its losses, bundled"
    size = _megabytes(weights.stat().st_size) if here else "-"
    return BUNDLED_MODEL, what, size, known.ORIGINAL_LICENCE, "yes" if here else "no"


def _row(entry: Known) -> _Row:
    here = "weights" if is_file(entry.path) else "no"
    here = "yes" if is_file(registry.cached(entry.name)) else here
    size = _megabytes(entry.expected.size)
    return entry.name, entry.what, size, entry.licence, here


def _megabytes(size: int) -> str:
    return f"{size / _MEGABYTE:.0f} MB"


@contextmanager
def _shown(entry: Known, quiet: bool) -> Iterator[DownloadProgress]:
    """Show the progress of a download, unless `quiet`."""
    size, began = entry.expected.size, perf_counter()
    start: int | None = None  # of this download, which may go on with a part
    with Bar(size, lines=PLAIN_LINES, quiet=quiet) as bar:

        def update(done: int) -> None:
            nonlocal start
            start = done if start is None else start
            text = f"{entry.name}  {_megabytes(done)} of {_megabytes(size)}"
            text += f" ({100 * done // size} %)"
            if start < done < size:
                seconds = (perf_counter() - began) * (size - done) / (done - start)
                text += f", {duration(seconds)} left"
            bar.update(done, text)

        yield DownloadProgress() if quiet else DownloadProgress(update, say)
