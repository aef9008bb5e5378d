"""Weights called vgg19 as `lightstyle.fetch` gets them, from two mirrors or a copy."""

from collections.abc import Callable
from pathlib import Path

import pytest

from lightstyle.errors import LightstyleError
from lightstyle.zoo.download import DownloadProgress, Patience
from lightstyle.zoo.fetch import fetch
from tests.support import official
from tests.support.http_server import Site

Sites = tuple[Site, Site]

PATIENCE = Patience(timeout=20, attempts=2, pause=0.01)
IMPATIENCE = Patience(timeout=3, attempts=1, pause=0.01)
HALF = 10_000


def get(
    *,
    source: str | Path | None = None,
    offline: bool = False,
    note: Callable[[str], None] = print,
    patience: Patience = PATIENCE,
) -> Path:
    """The model that is made of them."""
    progress = DownloadProgress(note=note)
    text = None if source is None else str(source)
    return fetch(
        official.NAME,
        source=text,
        offline=offline,
        progress=progress,
        patience=patience,
    )


def refused(**choices: object) -> LightstyleError:
    """The error of one line that `get` ends in."""
    with pytest.raises(LightstyleError) as caught:
        get(**choices)  # type: ignore[arg-type]
    assert "\n" not in str(caught.value)
    return caught.value
