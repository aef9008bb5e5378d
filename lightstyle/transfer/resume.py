"""Continues a run from its checkpoint."""

import os
from collections.abc import Callable, Mapping
from typing import Final

from ..engine.model import Model
from ..records.checkpoint import Checkpoint, LoadedCheckpoint
from ..zoo import registry
from . import stylize
from .result import Result
from .run import Callback

#: Functions that make a picture, by the name that a checkpoint knows them by.
JOBS: Final[Mapping[str, Callable[..., Result]]] = {
    job.__name__: job for job in (stylize.stylize, stylize.reconstruct, stylize.texture)
}


def resume(
    checkpoint: str | os.PathLike[str],
    *,
    model: Model | None = None,
    callback: Callback | None = None,
    announce: stylize.Announce | None = None,
) -> Result:
    """Continue the run that was kept at `checkpoint`, and keep it there.

    With this package's own optimiser it goes on as if nothing had been; scipy's
    (``lbfgsb``) begins without history at the best picture.

    Args:
        checkpoint: Path that the run's `Checkpoint` had. Of it and the one before it,
            the newest good one is used.
        model: The run's model if it is loaded already; by default its files are.
        callback: As for `stylize`.
        announce: As for `stylize`, of what is left.

    Raises:
        CheckpointError: If neither is good, or a picture or the model was changed.
        LightstyleError: As `stylize`.
    """
    saved = LoadedCheckpoint.newest(checkpoint)
    saved.check_inputs()
    origin = saved.snapshot.origin
    if model is None:
        model = registry.load(origin.model.path, origin.settings, job=origin.job)
    return JOBS[origin.job](
        **origin.arguments,
        model=model,
        settings=origin.settings,
        callback=callback,
        announce=announce,
        checkpoint=Checkpoint.after(saved),
    )
