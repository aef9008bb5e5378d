"""Pictures are painted to their edges, whatever their size."""

from dataclasses import replace

import numpy as np
import pytest

import lightstyle
from lightstyle import LayerWeights, Model, Settings
from lightstyle.model_folder import BUNDLED_MODEL
from tests.support.networks import image

#: Only a layer below four poolings, which no line near a lost edge feels.
DEEP = Settings(
    iterations=30,
    pyramid="off",
    style_layers=LayerWeights({"conv5_1": 1.0}),
    style_weight=1e8,
)

#: Coarse enough for the deepest layer to see.
BLOTCHES = np.kron(image(8, 8, 1), np.ones((12, 12, 1), np.uint8))


@pytest.fixture(scope="module")
def lite() -> Model:
    return lightstyle.load_model(BUNDLED_MODEL, device="cpu", threads=1)


@pytest.mark.parametrize("size", [(79, 63), (63, 79), (80, 64), (33, 46)])
def test_the_last_lines_are_painted_like_those_before(
    lite: Model, size: tuple[int, int]
) -> None:
    width, height = size
    grey = np.full((height, width, 3), 128, np.uint8)
    settings = replace(DEEP, size=max(size), content_weight=0.0)
    made = lightstyle.stylize(grey, BLOTCHES, model=lite, settings=settings).image_hwc
    for lines in (made[::-1], made[:, ::-1].transpose(1, 0, 2)):  # bottom and right
        painted = lines.mean(axis=2) - 128
        outer, following = (np.mean(part**2) for part in (painted[:4], painted[4:16]))
        assert outer > 0.4 * following
