"""The command ``lightstyle sheet``: settings side by side, to choose by eye."""

from collections.abc import Iterable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Annotated

import numpy as np
import typer
from numpy.typing import NDArray

from .. import files, images
from ..errors import Stopped, UsageError
from ..images import encoding, streams
from ..jobs.batch import check_styles
from ..jobs.painter import needs
from ..jobs.sheet import Cell, Sheet, cells, default_axis
from ..jobs.task import Task
from ..jobs.vary import axes
from ..settings.settings import Settings
from ..transfer import scene
from . import inputs, paths
from .batch import ONE_PICTURE
from .console import say
from .crew import Cluster, Crew, Workers
from .help import command
from .options import Content, Output, RunOptions, Styles, takes
from .progress import StopSignal
from .report import Report


@command
@takes("stylize", without=ONE_PICTURE | {"bits", "metadata", "no_metadata"})
def sheet(
    content: Content,
    style: Styles,
    output: Output = None,
    vary: Annotated[
        list[str] | None,
        typer.Option(
            metavar="SETTING=VALUES",
            help="Setting and its values, such as seed=1,2 (by default the strength); "
            "repeat for another. Values that contain commas are separated by "
            "semicolons.",
            rich_help_panel="Values to compare",
        ),
    ] = None,
    workers: Workers = 1,
    cluster: Cluster = None,
    *,
    settings: Settings,
    options: RunOptions,
) -> None:
    """Try several settings side by side on one sheet.

    Without --vary, the style goes from weak to strong. The values of the first --vary
    make the columns, those of the others the rows. Without -o the sheet lies beside
    CONTENT.

    Examples:
        lightstyle sheet photo.jpg painting.jpg
        lightstyle sheet photo.jpg painting.jpg --vary strength=0.3,0.5,0.7
        lightstyle sheet photo.jpg painting.jpg --vary pooling=max,average -o sheet.png
        lightstyle sheet photo.jpg painting.jpg --vary style-scale=0.5,1 --vary seed=1,2
    """
    inputs.check_styles(content, style, settings, options)
    varied = axes(vary or []) or [default_axis(settings)]
    made = cells(settings, varied)
    if content == streams.STREAM:
        raise UsageError("content -: every cell reads the picture again; give a file")
    styles = check_styles(style, [cell.settings for cell in made])
    crew = Crew(options, workers, cluster)
    layout = Sheet(made, len(varied[0].values), _sizes(content, made))
    name = f"{paths.joined(content, style)}-sheet"
    path = paths.choose(output, {"content": content}, name)
    _check_output(path, [content, *style], made, options)
    given = {"content": content, "style": styles}
    like = options.like.record if options.like else None
    tasks = {
        Task(given=given, settings=cell.settings, like=like): number
        for number, cell in enumerate(made)
    }
    report = Report(len(tasks), quiet=options.quiet)
    pictures: dict[int, NDArray[np.uint8]] = {}
    with (
        suppress(Stopped),
        StopSignal(waits=crew.waits) as stop,
        crew.at_work(tasks, path.parent, lambda: stop.came) as executor,
        report,
    ):
        todo = sorted(tasks, key=needs)
        for task, outcome in executor.run(todo, lambda: stop.came):
            number = tasks[task]
            report.add(made[number].label.replace("\n", ", "), outcome)
            if outcome.levels_hwc is not None:
                pictures[number] = outcome.levels_hwc
    if pictures:
        levels_hwc, alpha_hw = layout.drawn(pictures)
        path = path if path == output else paths.free(path)
        files.atomic_write(path, encoding.encoded(path, levels_hwc, alpha_hw=alpha_hw))
        if not options.quiet:
            size = "{}x{}".format(*layout.size)
            say(f"{path}: {size}, {len(pictures)} of {len(made)} pictures")
    if stop.came:
        raise typer.Exit(stop.exit_code)
    report.conclude()


def _sizes(content: Path, made: Iterable[Cell]) -> list[tuple[int, int]]:
    """Return the size of the picture of each cell."""
    cells = [*made]
    longest = max(cell.settings.size for cell in cells)
    subject = images.load(content, role="content", longest=longest)
    return [scene.fitted_size(subject, cell.settings, "content") for cell in cells]


def _check_output(
    path: Path, pictures: Sequence[Path], made: Iterable[Cell], options: RunOptions
) -> None:
    """Refuse a sheet that cannot be written or would replace something."""
    if path == streams.STREAM:
        raise UsageError("-o -: a sheet needs a named file")
    encoding.check_format(path, 8)
    named = {Path(file) for cell in made for file in cell.settings.files.values()}
    inputs = [*pictures, *named]
    files.check_writable(path, inputs=inputs, overwrite=options.overwrite)
