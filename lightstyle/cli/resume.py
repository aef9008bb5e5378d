"""The command ``lightstyle resume``: goes on with a run that was cut off."""

from dataclasses import replace
from pathlib import Path
from typing import Annotated, Any

import typer

from ..errors import CheckpointError
from ..records.checkpoint import LoadedCheckpoint
from ..settings.scalars import path
from ..settings.typed import parse
from .help import command
from .options import OnCluster, Quiet
from .run import CheckpointExtra, make


@command
def resume(
    checkpoint: Annotated[
        Path, typer.Argument(metavar="CHECKPOINT", help="File that --checkpoint wrote.")
    ],
    cluster: OnCluster = None,
    quiet: Quiet = False,
) -> None:
    """Continue a run from its checkpoint.

    The run keeps all its options, its settings and its output, but goes on here unless
    --cluster is given again; it may be another cluster.

    Examples:
        lightstyle stylize photo.jpg painting.jpg -o out.png --checkpoint auto
        lightstyle resume out.png.checkpoint
    """
    saved = LoadedCheckpoint.newest(checkpoint)
    origin = saved.snapshot.origin
    if not saved.snapshot.extra:
        raise CheckpointError(
            f"checkpoint {checkpoint} comes from a run in Python: continue it there "
            "with `lightstyle.resume`"
        )
    saved.check_inputs()
    try:
        extra = parse(CheckpointExtra, saved.snapshot.extra, "extra", {Path: _path})
    except ValueError as error:
        raise CheckpointError(
            f"checkpoint {checkpoint} is unusable: {error}"
        ) from error
    options = replace(
        extra.options,
        model=origin.model.path,
        overwrite=True,
        quiet=quiet or extra.options.quiet,
    )
    job, given, settings = origin.job, origin.arguments, origin.settings
    stem = extra.output.stem
    make(job, given, extra.output, stem, settings, options, saved, cluster)


def _path(value: Any) -> Path:
    return Path(parse(Annotated[str, path()], value, "a path of extra", {}))
