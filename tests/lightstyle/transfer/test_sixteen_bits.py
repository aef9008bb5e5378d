from pathlib import Path

import numpy as np
import pytest

import lightstyle
from lightstyle import Model, Settings
from lightstyle.images import sixteen_bit
from lightstyle.images.encoding import srgb_profile
from lightstyle.images.loading import load
from tests.support.picture_files import png
from tests.support.transfers import STYLE

SAMPLES = np.random.default_rng(2).integers(0, 65536, (40, 48, 3), dtype=np.uint16)


@pytest.mark.parametrize(
    ("suffix", "channels"), [(".png", 1), (".png", 3), (".tif", 3)]
)
def test_pixels_outside_a_mask_keep_all_16_bits(
    suffix: str, channels: int, model: Model, tmp_path: Path
) -> None:
    content = png(SAMPLES if channels == 3 else SAMPLES[..., 0])
    if suffix == ".tif":
        content = sixteen_bit.encode_tiff(SAMPLES, srgb_profile())
    left = np.arange(48)[None, :].repeat(40, axis=0) < 24
    settings = Settings(size=48, iterations=3, content_mask=(left,))
    result = lightstyle.stylize(content, STYLE, model=model, settings=settings)
    path = tmp_path / f"out{suffix}"
    result.save(path, bits=16)
    kept = np.rint(load(path).rgb_hwc[:, 24:] * 257)
    expected = np.broadcast_to(SAMPLES[..., :channels], SAMPLES.shape)
    np.testing.assert_array_equal(kept, expected[:, 24:])
