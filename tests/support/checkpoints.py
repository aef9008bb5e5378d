"""Runs that are interrupted, and the checkpoints they leave."""

from pathlib import Path
from typing import Any

import lightstyle
from lightstyle import Checkpoint, Model, Result, Settings, Status
from tests.support.transfers import until

#: Long enough for a history that counts.
SETTINGS = Settings(size=48, iterations=24, style_weight=1.0)


def stylize(model: Model, settings: Settings = SETTINGS, **options: Any) -> Result:
    """Stylize the two pictures of the current folder."""
    return lightstyle.stylize(
        "content.png", "style.png", model=model, settings=settings, **options
    )


def interrupted(model: Model, at: int = 9, settings: Settings = SETTINGS) -> Path:
    """The checkpoint, in the current folder, of a run that was stopped."""
    path = Path("run.checkpoint")
    kept = Checkpoint(path, seconds=0)
    result = stylize(model, settings, callback=until(at), checkpoint=kept)
    assert result.status is Status.CANCELLED
    return path
