"""A page in which the engine paints: ``python -m pytest -m browser``."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from PIL import Image

from tests.support.engine import Painter, painter
from tests.support.networks import image


@pytest.fixture(scope="module")
def tiny(
    tmp_path_factory: pytest.TempPathFactory, tiny_model: Path
) -> Iterator[Painter]:
    """One with a tiny model, and content.png and style.png."""
    files = tmp_path_factory.mktemp("files")
    for seed, name in enumerate(("content.png", "style.png")):
        Image.fromarray(image(64, 80, seed)).save(files / name)
    with painter(tiny_model, files) as found:
        yield found
