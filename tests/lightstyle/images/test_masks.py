from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from lightstyle.images import masks
from lightstyle.images.loading import load
from lightstyle.settings.in_memory import ImageInMemory, path_or_image
from tests.support.picture_files import encoded, written

DRAWN = np.zeros((96, 128), np.uint8)
DRAWN[30:60, 40:90] = 255


def _read(source: Any) -> Any:
    return masks.read(path_or_image(source), "content-mask", load(DRAWN))


def test_ringing_beside_the_edges_of_a_jpeg_mask_selects_nothing(
    tmp_path: Path,
) -> None:
    data = encoded(Image.fromarray(DRAWN), "JPEG", quality=95)
    path = written(tmp_path / "mask.jpg", data)
    raw = load(path).rgb_hwc[..., 0] / 255
    faint = ((raw > 0) & (raw < 0.02)) | ((raw < 1) & (raw > 0.98))
    assert faint.sum() > 100  # what the file has there
    values = _read(str(path))
    assert set(values[faint]) == {0.0, 1.0}
    kept = (raw >= 0.02) & (raw <= 0.98)
    np.testing.assert_allclose(values[kept], raw[kept], atol=1e-6)


def test_a_mask_that_is_nearly_black_selects_nothing() -> None:
    with pytest.raises(Exception, match="black all over: it selects nothing"):
        _read(np.full_like(DRAWN, 4))


@pytest.mark.parametrize("form", ["array", "PIL"])
def test_a_mask_may_be_of_booleans(form: str) -> None:
    selected = DRAWN > 0
    source = selected if form == "array" else Image.fromarray(selected)
    np.testing.assert_array_equal(_read(source), selected)
    assert ImageInMemory.of(source) != ImageInMemory.of(DRAWN)
