"""A run from the command line: checks, progress, checkpoint, output, summary."""

import shlex
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import typer

from ..engine import memory
from ..engine.model import Model
from ..engine.threads import check_threads
from ..errors import ExitCode, OutputError, TransferError
from ..optimize.minimize import METHODS, Status
from ..records.checkpoint import Checkpoint, LoadedCheckpoint
from ..settings.settings import Settings
from ..text import counted
from ..transfer.forecast import Forecast
from ..transfer.job import Announce
from ..transfer.result import Progress, Result
from ..transfer.stylize import JOBS
from ..zoo import registry
from . import inputs, paths
from .console import Bar, columns, note, say
from .like import Reference
from .options import RunOptions
from .outputs import Outputs
from .progress import StopSignal, status_line


@dataclass(frozen=True)
class CheckpointExtra:
    """What a checkpoint keeps for `resume` beside the run.

    Attributes:
        output: Absolute path of the result.
        options: Options of the run.
    """

    output: Path
    options: RunOptions


def make(
    job: str,
    given: Mapping[str, Any],
    output: Path | None,
    name: str,
    settings: Settings,
    options: RunOptions,
    saved: LoadedCheckpoint | None = None,
    cluster: str | None = None,
) -> None:
    """Check everything that can be checked, run a job and write its result.

    Args:
        job: Name of a function of `transfer`.
        given: Its arguments, with paths for pictures.
        output: Path of the result, or a folder for it; see `paths.choose`.
        name: Name of the result where `output` gives none.
        settings: Settings of the run.
        options: Options of the run.
        saved: The checkpoint to continue from, if the run was interrupted.
        cluster: Address of the cluster on which large pictures are evaluated in bands.
    """
    files = inputs.files_of(given, settings)
    path = paths.choose(output, given, name)
    checkpoint = Checkpoint.after(saved) if saved else _checkpoint(path, options)
    is_new = path != output
    written = Outputs(path, options, is_new=is_new, resumed=saved is not None)
    paths.check(
        path,
        options,
        inputs=files,
        numbered=written.existing(settings.iterations),
        checkpoint=checkpoint.path if checkpoint else None,
    )
    optimizer = settings.chosen_optimizer
    if checkpoint and not METHODS[optimizer].resumable and not options.quiet:
        note(
            f"{optimizer} cannot save its history: a resumed run starts afresh from "
            "the best picture"
        )
    if checkpoint and options.overwrite and not saved:
        checkpoint.remove()
    with written, StopSignal() as stop:
        with (
            _loaded(job, settings, options, cluster) as model,
            Bar(settings.iterations, quiet=options.quiet) as bar,
        ):

            def callback(progress: Progress) -> None:
                stop.waits = True  # there is a picture now
                bar.update(progress.evaluation, status_line(progress))
                if options.like and not options.quiet:
                    _compare(options.like, progress)
                written(progress)
                stop(progress)

            result = JOBS[job](
                **inputs.read(given),
                model=model,
                settings=settings,
                callback=callback,
                checkpoint=checkpoint,
                announce=_announcement(options, model, given, settings),
                like=options.like.record if options.like else None,
            )
        path = written.put(result)
    if result.checkpoint_failure:
        written.fail(OutputError(result.checkpoint_failure))
    if not options.quiet:
        _summarise(result, path, options.like)
        if written.others:
            say(f"wrote {', '.join(written.others)}")
    if checkpoint and result.status is not Status.CANCELLED:
        checkpoint.remove()
    elif checkpoint and checkpoint.existing() and not options.quiet:
        say(f"to continue: lightstyle resume {shlex.quote(str(checkpoint.path))}")
    _conclude(result, path, written.failure, stop)


@contextmanager
def _loaded(
    job: str, settings: Settings, options: RunOptions, cluster: str | None
) -> Iterator[Model]:
    """Load the model; on a cluster, memory and threads are those of each worker."""
    limit, threads = memory.parse(options.memory), usable_threads(options)
    if cluster is None:
        yield registry.load(
            options.model, settings, options.device, threads, limit, job=job
        )
        return
    from ..cluster.connection import connected
    from ..cluster.picture import spread

    device = "cpu" if options.device == "auto" else options.device
    model = registry.load(options.model, settings, device, threads, job=job)
    with (
        connected(cluster) as there,
        spread(model, there, options.threads, limit),
    ):
        yield model


def usable_threads(options: RunOptions) -> int | None:
    """Return the threads that a run gets, and say if they are fewer than asked for."""
    usable = check_threads(options.threads)
    if usable != options.threads and not options.quiet:
        note(f"threads is {options.threads}, lowered to the {usable} CPUs in use")
    return usable


def _announcement(
    options: RunOptions, model: Model, given: Mapping[str, Any], settings: Settings
) -> Announce | None:
    """Return what prints the forecast of the run; a dry run ends there."""

    def tell(forecast: Forecast) -> None:
        if options.dry_run:
            columns([*forecast.table.items()])
            raise typer.Exit
        say(f"model {model.info.path} on {model.device}")
        say(str(forecast))
        if blend := inputs.blend_note(given, settings):
            note(blend)

    return tell if options.dry_run or not options.quiet else None


def _checkpoint(path: Path, options: RunOptions) -> Checkpoint | None:
    """Return the checkpoint that the options ask for, with what `resume` needs."""
    if options.checkpoint is None:
        return None
    is_auto = options.checkpoint == "auto"
    kept = Path(f"{path}.checkpoint" if is_auto else options.checkpoint)
    # What settings were taken from is not needed again.
    plain = asdict(replace(options, like=None, config=None))
    for name, value in plain.items():
        plain[name] = str(value.absolute()) if isinstance(value, Path) else value
    extra = {"output": str(path.absolute()), "options": plain}
    return Checkpoint(kept, options.checkpoint_every, extra)


def _compare(like: Reference, progress: Progress) -> None:
    """Print once how the picture will differ from the one that ``--like`` names."""
    if progress.evaluation == 1:
        for line in like.differences(progress.record):
            note(line)


def _summarise(result: Result, path: Path, like: Reference | None) -> None:
    layouts = like.other_layouts(result.record) if like else ()
    for line in (*result.notes, *layouts):
        if line != result.checkpoint_failure:
            note(line)
    height, width = result.image_hwc.shape[:2]
    say(
        f"{path}: {width}x{height}, {counted(result.evaluations, 'iteration')} of "
        f"{result.optimizer} in "
        f"{result.seconds:.1f} s, loss {result.loss:.6g} ({result.status.value})"
    )


def _conclude(
    result: Result, path: Path, failure: ExitCode | None, stop: StopSignal
) -> None:
    """Raise what went wrong during the run, or exit with the code of its end."""
    if result.status is Status.NON_FINITE:
        raise TransferError(
            f"the loss was not a finite number at iteration {result.evaluations}: "
            f"{path} is the best picture before it; lower the weights"
        )
    if result.status is Status.CANCELLED:
        raise typer.Exit(stop.exit_code)
    if failure is not None:
        raise typer.Exit(failure)
