"""A run from the command line: checks, progress, checkpoint, output, summary."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any, Final

import typer

from ..engine import memory
from ..engine.model import Model
from ..errors import CheckpointError, OutputError, TransferError
from ..images import streams
from ..images.streams import STREAM
from ..optimize.minimize import METHODS, Status
from ..records.checkpoint import Checkpoint, LoadedCheckpoint
from ..records.typed import parse
from ..settings.settings import Settings
from ..transfer.forecast import Forecast
from ..transfer.result import Progress, Result
from ..transfer.run import Callback
from ..transfer.stylize import JOBS, Announce
from ..zoo import registry
from . import checks, names, outputs, progress
from .console import columns, note, say
from .like import Reference
from .options import RunOptions
from .outputs import Outputs
from .progress import Interrupt

#: Options that name files which a resumed run goes on to write.
_FILES: Final = ("log", "timelapse")


@dataclass(frozen=True)
class _Kept:
    """What a checkpoint keeps for `resume` beside the run.

    Attributes:
        output: Absolute path of the result.
        options: Options of the run.
    """

    output: Path
    options: RunOptions


def make(
    job: Callable[..., Result],
    given: Mapping[str, Any],
    output: Path | None,
    name: str,
    settings: Settings,
    options: RunOptions,
    saved: LoadedCheckpoint | None = None,
) -> None:
    """Check everything that can be checked, run `job` and write its result.

    Args:
        job: A function of `transfer`.
        given: Its arguments, with paths for pictures.
        output: Path of the result, or a folder for it; see `names.choose`.
        name: Name of the result where `output` gives none.
        settings: Settings of the run.
        options: Options of the run.
        saved: The checkpoint to continue from, if the run was interrupted.
    """
    inputs = checks.inputs_of(given, settings)
    blend = checks.blend_note(given, settings)
    path = names.choose(output, given, name)
    checkpoint = Checkpoint.after(saved) if saved else _checkpoint(path, options)
    is_new = path != output
    written = Outputs(path, options, is_new=is_new, resumed=saved is not None)
    existing = written.saver.existing(settings.iterations)
    kept = [checkpoint.path] if checkpoint else []
    checks.check_outputs(inputs, path, existing, options, kept)
    optimizer = settings.chosen_optimizer
    if checkpoint and not METHODS[optimizer].resumable and not options.quiet:
        note(
            f"{optimizer} cannot save its history: a resumed run starts afresh from "
            "the best picture"
        )
    if checkpoint and options.overwrite and not saved:
        checkpoint.remove()
    failures: list[OutputError] = []
    with written, Interrupt() as interrupt:
        watchers: list[Callback] = [*written.watchers, interrupt]
        if options.like and not options.quiet:
            watchers.insert(0, partial(_compare, options.like))
        watched = _watched(job.__name__, settings, options, watchers, failures)
        with watched as (model, callback):
            result = job(
                **_read(given),
                model=model,
                settings=settings,
                callback=callback,
                checkpoint=checkpoint,
                announce=_announcement(options, model, blend),
                like=options.like.record if options.like else None,
            )
        path = written.put(result, failures)
    if not options.quiet:
        _summarise(result, path, options.like)
    if checkpoint and result.status is not Status.CANCELLED:
        checkpoint.remove()
    _conclude(result, path, failures, interrupt)


def _read(given: Mapping[str, Any]) -> dict[str, Any]:
    """Return a job's arguments with the bytes of stdin in the place of ``-``."""

    def read(role: str, value: Any) -> Any:
        if isinstance(value, list):
            return [read(role, each) for each in value]
        return streams.read(role) if value == STREAM else value

    return {role: read(role, value) for role, value in given.items()}


@contextmanager
def _watched(
    job: str,
    settings: Settings,
    options: RunOptions,
    watchers: Sequence[Callback],
    failures: list[OutputError],
) -> Iterator[tuple[Model, Callback]]:
    """Load the model, and yield it with a callback that shows, logs and watches.

    A watcher that cannot write ends the run. Its error is added to `failures`, to be
    raised when the best picture is saved.
    """
    allowed = memory.parse(options.memory)
    model = registry.load(
        options.model, settings, options.device, options.threads, allowed, job=job
    )
    with (
        progress.display(settings.iterations, quiet=options.quiet) as show,
        outputs.log(options.log) as log,
    ):

        def callback(state: Progress) -> None:
            try:
                for watch in (show, log, *watchers):
                    watch(state)
            except OutputError as error:
                failures.append(error)
                raise StopIteration from error

        yield model, callback


def _announcement(
    options: RunOptions, model: Model, blend: str | None
) -> Announce | None:
    """Return what prints the forecast of the run; a dry run ends there."""

    def tell(forecast: Forecast) -> None:
        if not options.dry_run:
            say(f"model {model.info.path} on {model.device}")
            say(str(forecast))
            if blend:
                note(blend)
            return
        columns([*forecast.table.items()])
        raise typer.Exit

    return tell if options.dry_run or not options.quiet else None


def resume(path: Path, *, quiet: bool) -> None:
    """Continue the run of the checkpoint at `path`.

    Raises:
        CheckpointError: It cannot be continued.
    """
    saved = LoadedCheckpoint.newest(path)
    origin = saved.snapshot.origin
    if not saved.snapshot.extra:
        raise CheckpointError(
            f"checkpoint {path} comes from a run in Python: continue it there with "
            "`lightstyle.resume`"
        )
    saved.check_inputs()
    try:
        kept = parse(_Kept, saved.snapshot.extra, "extra", {Path: _path})
    except ValueError as error:
        raise CheckpointError(f"checkpoint {path} is unusable: {error}") from error
    options = replace(
        kept.options,
        model=origin.model.path,
        overwrite=True,
        quiet=quiet or kept.options.quiet,
    )
    job, output = JOBS[origin.job], kept.output
    make(job, origin.arguments, output, output.stem, origin.settings, options, saved)


def _path(value: Any) -> Path:
    if not isinstance(value, str):
        raise ValueError(f"{value!r} is not a path")
    return Path(value)


def _checkpoint(path: Path, options: RunOptions) -> Checkpoint | None:
    """Return the checkpoint that the options ask for, with what `resume` needs."""
    if options.checkpoint is None:
        return None
    name = f"{path}.checkpoint" if options.checkpoint == "auto" else options.checkpoint
    # What settings were taken from is not needed again.
    plain = asdict(replace(options, like=None, config=None))
    for file in _FILES:
        plain[file] = plain[file] and str(plain[file].absolute())
    extra = {"output": str(path.absolute()), "options": plain}
    return Checkpoint(Path(name), options.checkpoint_every, extra)


def _compare(like: Reference, progress: Progress) -> None:
    """Print once how the picture will differ from the one that ``--like`` names."""
    if progress.evaluation == 1:
        for line in like.differences(progress.record):
            note(line)


def _summarise(result: Result, path: Path, like: Reference | None) -> None:
    layouts = like.other_layouts(result.record) if like else ()
    for line in (*result.notes, *layouts):
        note(line)
    height, width = result.image_hwc.shape[:2]
    say(
        f"{path}: {width}x{height}, {result.evaluations} iterations of "
        f"{result.optimizer} in "
        f"{result.seconds:.1f} s, loss {result.loss:.6g} ({result.status.value})"
    )


def _conclude(
    result: Result, path: Path, failures: Sequence[OutputError], interrupt: Interrupt
) -> None:
    """Raise what went wrong during the run, or exit with the code of its end."""
    if failures:
        raise failures[0]
    if result.status is Status.NON_FINITE:
        raise TransferError(
            f"the loss was not a finite number at iteration {result.evaluations}: "
            f"{path} is the best picture before it; lower the weights"
        )
    if result.status is Status.CANCELLED:
        raise typer.Exit(interrupt.exit_code)
