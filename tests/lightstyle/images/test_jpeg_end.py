"""A JPEG without its end marker is read if, and only if, no pixel is missing."""

from typing import Any

import numpy as np
import pytest
from PIL import Image

from lightstyle.errors import ImageError
from lightstyle.images.loading import load
from tests.support.picture_files import RGB, encoded

_PICTURE = Image.fromarray(RGB).resize((75, 61), Image.Resampling.BICUBIC)
_KINDS: dict[str, dict[str, Any]] = {
    "baseline": {},
    "progressive": {"progressive": True},
    "restart": {"restart_marker_blocks": 3},
    "optimised": {"optimize": True, "subsampling": 0},
    "grey": {"grey": True},
}


def _jpeg(kind: str) -> bytes:
    options = dict(_KINDS[kind])
    picture = _PICTURE.convert("L") if options.pop("grey", False) else _PICTURE
    return encoded(picture, "JPEG", **options)


@pytest.mark.parametrize("missing", [1, 2])
@pytest.mark.parametrize("kind", _KINDS)
def test_a_missing_end_marker_is_only_noted(kind: str, missing: int) -> None:
    whole = _jpeg(kind)
    picture = load(whole[:-missing])
    assert np.array_equal(picture.rgb_hwc, load(whole).rgb_hwc)
    assert picture.notes == ("the end of the file is missing; the pixels are whole",)


@pytest.mark.parametrize("missing", [3, 4, 20, 300])
@pytest.mark.parametrize("kind", _KINDS)
def test_missing_pixels_stay_an_error(kind: str, missing: int) -> None:
    with pytest.raises(ImageError, match="truncated"):
        load(_jpeg(kind)[:-missing])


def test_a_missing_scan_stays_an_error() -> None:
    whole = _jpeg("progressive")
    with pytest.raises(ImageError, match="truncated"):
        load(whole[: whole.rindex(b"\xff\xda")])


def test_bytes_after_the_end_marker_are_ignored() -> None:
    whole = _jpeg("baseline")
    assert load(whole + b"a trailer of the camera").notes == ()
