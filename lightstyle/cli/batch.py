"""The command ``lightstyle batch``: every picture of a folder."""

from collections.abc import Iterator
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import Annotated, Final

import typer

from .. import files
from ..errors import Stopped, UsageError
from ..images import encoding
from ..images.streams import STREAM
from ..jobs import failures
from ..jobs.batch import Batch, check_styles
from ..jobs.inputs import BatchInputs
from ..jobs.shard import Shard
from ..jobs.task import Output, Task
from ..jobs.watch import FolderWatcher
from ..settings.settings import Settings
from ..text import counted
from ..zoo import registry
from .console import note, say
from .crew import Cluster, Crew, Workers
from .help import command
from .options import OUTPUT, RunOptions, Styles, takes
from .progress import StopSignal
from .report import Report

#: Options of a single picture.
ONE_PICTURE: Final = {
    *("save_every", "timelapse", "log"),
    *("checkpoint", "checkpoint_every", "dry_run"),
}

_many = partial(typer.Option, rich_help_panel="Many pictures")


@command
@takes("stylize", without=ONE_PICTURE)
def batch(
    content: Annotated[
        str,
        typer.Argument(
            metavar="CONTENT",
            help="Folder of pictures to paint, a pattern in quotes such as "
            "'photos/*.jpg', or a list that --failures wrote.",
        ),
    ],
    style: Styles,
    folder: Annotated[
        Path,
        typer.Option(
            "-o",
            "--output",
            metavar="FOLDER",
            help="Folder to write to, created if needed.",
            rich_help_panel=OUTPUT,
        ),
    ],
    workers: Workers = 1,
    cluster: Cluster = None,
    failed: Annotated[
        Path | None,
        _many("--failures", metavar="FILE", help="Write a .jsonl list of what failed."),
    ] = None,
    watch: Annotated[
        bool, _many("--watch", help="Wait for new pictures until Ctrl-C.")
    ] = False,
    shard: Annotated[
        str,
        _many(
            "--shard",
            metavar="I/N",
            help="Paint the I-th of N shares of the pictures: one for each machine.",
        ),
    ] = "1/1",
    *,
    settings: Settings,
    options: RunOptions,
) -> None:
    """Paint every picture of a folder.

    The output folder mirrors the input folder. A result that was made with the same
    settings, pictures and model is finished and skipped, so the same command continues
    a batch that was interrupted.

    Examples:
        lightstyle batch photos painting.jpg -o out
        lightstyle batch 'photos/**/*.jpg' painting.jpg -o out --workers 4
        lightstyle batch photos painting.jpg -o out --watch
        lightstyle batch photos painting.jpg -o out --cluster auto
    """
    inputs = BatchInputs(content, folder)
    if watch and inputs.is_list:
        raise UsageError(f"content {content} is a list: --watch needs a folder")
    encoding.check_format(Path("result.png"), options.bits)
    crew = Crew(options, workers, cluster)
    plan = Batch(
        inputs=inputs,
        styles=check_styles(style, [settings]),
        settings=settings,
        output=Output(
            path=folder,
            bits=options.bits,
            overwrite=options.overwrite,
        ),
        like=options.like.record if options.like else None,
        shard=Shard.parse(shard),
        keeps=crew.is_apart,
    )
    tasks = None if watch else plan.tasks()
    _check_outputs(folder, failed)
    lost = [*plan.unreadable()]
    total = None if tasks is None else len(tasks) + len(lost)
    report = Report(total, quiet=options.quiet)
    if not options.quiet:
        _announce(plan, crew, options)
    for path, outcome in lost:
        report.add(str(path), outcome)
    if watch and not options.quiet:
        say(f"waiting for pictures in {content}; Ctrl-C ends")
    todo = _watched(plan, report, options) if tasks is None else tasks
    kinds = [Task(given={}, settings=settings)]
    with suppress(Stopped), StopSignal(waits=crew.waits) as stop:
        try:
            with (
                report,
                crew.at_work(kinds, folder, lambda: stop.came) as executor,
            ):
                for task, outcome in executor.run(todo, lambda: stop.came):
                    report.add(str(task.given["content"]), outcome)
        finally:
            # Without any outcome, the model may be at fault.
            ended = bool(report.outcomes) or tasks == []
            shown = (ended or stop.came) and not options.quiet
            _tell(report, inputs, failed if ended else None, shown=shown)
    if stop.came:
        raise typer.Exit(stop.exit_code)
    report.conclude()


def _check_outputs(folder: Path, failed: Path | None) -> None:
    """Create the output folder and check that files can be written.

    Raises:
        OutputError: They cannot be written.
        UsageError: The place of the failures list is taken.
    """
    if folder == STREAM:
        raise UsageError("-o -: a batch writes many pictures; give a folder")
    if failed is not None:
        failures.check(failed)
    files.make_folder(folder)
    files.check_writable(folder / "lightstyle.tmp", inputs=(), overwrite=True)


def _announce(plan: Batch, crew: Crew, options: RunOptions) -> None:
    """Print what paints the pictures, and which are left out."""
    say(f"model {registry.find(options.model)}, {crew}")
    if made := plan.inputs.made:
        note(
            f"left out {counted(len(made), 'picture')} that lightstyle made; a pattern "
            "in quotes takes them"
        )
    for line in plan.left_out():
        note(line)


def _tell(
    report: Report, inputs: BatchInputs, failed: Path | None, *, shown: bool
) -> None:
    """Write the list of what failed, if it has a path, and print the table if `shown`.

    The table is printed even if the list cannot be written.
    """
    try:
        if failed is not None:
            failures.write(failed, report.failures(inputs.roots))
    finally:
        if shown:
            report.print_table()


def _watched(plan: Batch, report: Report, options: RunOptions) -> Iterator[Task | None]:
    """Yield tasks as pictures come; what cannot become one goes to the `report`."""
    watch = FolderWatcher(plan)
    told: set[str] = set()
    for task in watch.tasks():
        for path, why in plan.inputs.left_out.items():
            if why not in told and not options.quiet:
                note(f"{path} is left out: {why}")
                told.add(why)
        for path, failed in (*watch.failed, *plan.unreadable()):
            if str(path) not in report.outcomes:
                report.add(str(path), failed)
        yield task
