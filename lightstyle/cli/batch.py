"""The command ``lightstyle batch``: a folder of pictures at a time."""

from collections.abc import Iterable, Iterator, Sequence
from contextlib import closing
from pathlib import Path
from typing import Annotated, Final

import typer

from .. import files
from ..engine import memory
from ..errors import OutputError, UsageError
from ..images import encoding
from ..images.streams import STREAM
from ..jobs import failures
from ..jobs.batch import Batch, check_styles, divided
from ..jobs.contents import Contents
from ..jobs.painter import Task, Work
from ..jobs.pool import paint_all
from ..jobs.watch import FolderWatcher
from ..settings.settings import Settings
from ..zoo import registry
from .options import RunOptions, takes
from .progress import Interrupt, say
from .report import Report

#: Options that are about one picture.
ONE_PICTURE: Final = {
    *("save_every", "timelapse", "log"),
    *("checkpoint", "checkpoint_every", "dry_run"),
}

Workers = Annotated[
    int, typer.Option(help="Processes; threads and memory are divided among them.")
]


@takes(Settings(), RunOptions(), without=ONE_PICTURE, job="stylize")
def batch(
    content: Annotated[
        str,
        typer.Argument(
            help="Folder of pictures to paint, a pattern in quotes such as "
            "'photos/*.jpg', or a list of --failures.",
            show_default=False,
        ),
    ],
    style: Annotated[
        list[Path], typer.Argument(help="Pictures to paint like.", show_default=False)
    ],
    folder: Annotated[
        Path,
        typer.Option("-o", "--output", help="Folder to write to, made if need be."),
    ],
    workers: Workers = 1,
    failed: Annotated[
        Path | None,
        typer.Option("--failures", help="Write a list of what failed, .jsonl."),
    ] = None,
    watch: Annotated[
        bool, typer.Option("--watch", help="Keep waiting for new pictures.")
    ] = False,
    *,
    settings: Settings,
    options: RunOptions,
) -> None:
    """Paint all pictures of a folder, and go on where that was broken off.

    Results lie in the output folder as the pictures do in theirs. One that is there and
    was made with the same settings, pictures and model is finished, and skipped.
    """
    contents = Contents(content, folder)
    if watch and contents.is_list:
        raise UsageError(f"content {content} is a list: --watch needs a folder")
    encoding.check_format(Path("result.png"), options.bits)
    work = divided(work_of(style, [settings], options), workers)
    plan = Batch(contents, folder, settings, options.bits)
    tasks = None if watch else plan.tasks()
    _check_outputs(folder, failed)
    lost = [*plan.unreadable()]
    total = None if tasks is None else len(tasks) + len(lost)
    report = Report(total, quiet=options.quiet)
    if not options.quiet:
        say(f"model {registry.find(options.model)}, {_crew(work, workers)}")
    for outcome in lost:
        report.add(outcome)
    if watch and not options.quiet:
        say(f"waiting for pictures in {content}; Ctrl-C ends")
    todo = _watched(plan, report) if tasks is None else tasks
    with Interrupt() as interrupt:
        try:
            _paint(work, todo, workers, interrupt, report)
        finally:
            if report.outcomes or tasks == []:  # else the model is at fault
                _finish(report, contents, failed, quiet=options.quiet)
    if interrupt.came:
        raise typer.Exit(interrupt.exit_code)
    report.conclude()


def work_of(
    style: Iterable[Path], all_settings: Sequence[Settings], options: RunOptions
) -> Work:
    """What all pictures of a command have in common.

    Raises:
        UsageError: A style is stdin, or settings are of another number of styles.
        ImageError: One cannot be read.
    """
    return Work(
        styles=check_styles(style, all_settings),
        model=options.model,
        device=options.device,
        threads=options.threads,
        memory=memory.parse(options.memory),
        like=options.like.record if options.like else None,
        bits=options.bits,
        metadata=not options.no_metadata,
        overwrite=options.overwrite,
    )


def _check_outputs(folder: Path, failed: Path | None) -> None:
    """Make the output folder, and see whether files can be written.

    Raises:
        OutputError: They cannot.
        UsageError: There is something else in the place of the list.
    """
    if folder == STREAM:
        raise UsageError("output -: many pictures need a folder")
    if failed is not None:
        failures.check(failed)
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except FileExistsError as error:
        raise OutputError(
            f"cannot write to {folder}: it is a file; give a folder"
        ) from error
    except OSError as error:
        raise OutputError(f"cannot make folder {folder}: {error.strerror}") from error
    files.check_writable(folder / "lightstyle.tmp", inputs=(), overwrite=True)


def _crew(work: Work, workers: int) -> str:
    if workers == 1:
        return "1 worker"
    each = "1 thread" if work.threads == 1 else f"{work.threads} threads"
    return f"{workers} workers with {each} each"


def _paint(
    work: Work,
    tasks: Iterable[Task | None],
    workers: int,
    interrupt: Interrupt,
    report: Report,
) -> None:
    with closing(paint_all(work, tasks, workers, lambda: interrupt.came)) as outcomes:
        for outcome in outcomes:
            report.add(outcome)


def _watched(plan: Batch, report: Report) -> Iterator[Task | None]:
    """Tasks as pictures come; what cannot become one goes to the `report`."""
    watch = FolderWatcher(plan)
    for task in watch.tasks():
        for failed in (*watch.failed, *plan.unreadable()):
            if failed.task not in report.outcomes:
                report.add(failed)
        yield task


def _finish(
    report: Report, contents: Contents, failed: Path | None, *, quiet: bool
) -> None:
    """Print the table, and write the list."""
    if not quiet:
        for line in report.table():
            print(line)
    if failed is not None:
        failures.write(failed, report.failures(contents.roots))
