from pathlib import Path

import pytest

from lightstyle import Model


@pytest.fixture(scope="module")
def model(tiny_model: Path) -> Model:
    """The tiny model, loaded for the tests of one file, which computes in one thread.

    It remembers styles it has seen, from test to test.
    """
    return Model.load(tiny_model, "cpu", 1)
