"""Results without what their files say of them."""

from io import BytesIO
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from lightstyle.images.bare import bare
from lightstyle.images.encoding import encoded
from lightstyle.images.metadata import texts
from lightstyle.images.photo_tags import PhotoTags
from tests.support.networks import image


@pytest.mark.parametrize("suffix", [".png", ".jpg", ".webp"])
@pytest.mark.parametrize("has_alpha", [False, True])
def test_only_the_picture_and_its_profile_stay(suffix: str, has_alpha: bool) -> None:
    alpha_hw = np.full((20, 31), 128.0, np.float32) if has_alpha else None
    data = encoded(
        Path(f"out{suffix}"),
        image(20, 31, 1).astype(np.float32),
        alpha_hw=alpha_hw,
        text='{"secret": 1}',
        tags=PhotoTags(dpi=(300.0, 300.0)),
    )
    assert texts(data, "it") == ['{"secret": 1}']
    stripped = bare(data)
    assert texts(stripped, "it") == []
    assert b"secret" not in stripped
    before, after = Image.open(BytesIO(data)), Image.open(BytesIO(stripped))
    assert np.array_equal(np.asarray(before), np.asarray(after))
    assert after.mode == before.mode
    assert after.info["icc_profile"] == before.info["icc_profile"]
    assert not after.getexif()
    assert ("dpi" in before.info) == (suffix != ".webp")
    assert "dpi" not in after.info


@pytest.mark.parametrize("suffix", [".png", ".jpg", ".webp"])
def test_a_file_that_says_nothing_stays_as_it_is(suffix: str) -> None:
    data = encoded(Path(f"out{suffix}"), image(20, 30, 1).astype(np.float32))
    assert bare(data) == data
