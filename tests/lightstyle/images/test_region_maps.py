import io
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image, ImageDraw

from lightstyle.errors import ImageError
from lightstyle.images import region_maps
from lightstyle.images.loading import load
from lightstyle.settings.in_memory import ImageInMemory
from tests.support.networks import picture
from tests.support.picture_files import encoded

# The third is what red and blue mix to, along an edge between them.
RED, BLUE, PURPLE, BLACK = "#ff0000", "#0000ff", "#800080", "#000000"
SMALL = slice(19, 35), slice(59, 75)


def _map() -> Image.Image:
    """Large regions, and a purple one of 16 × 16 pixels."""
    image = Image.new("RGB", (200, 120), RED)
    draw = ImageDraw.Draw(image)
    draw.ellipse((90, 10, 190, 110), fill=BLUE)
    draw.polygon([(0, 119), (70, 119), (30, 50)], fill=BLACK)
    draw.rectangle((59, 19, 74, 34), fill=PURPLE)
    return image


def _read(data: bytes, tmp_path: Any, suffix: str = ".jpg") -> dict[str, Any]:
    path = tmp_path / f"map{suffix}"
    path.write_bytes(data)
    return region_maps.read(str(path), "regions", load(path))


def _truth(image: Image.Image, color: str) -> NDArray[np.bool_]:
    levels = np.asarray(image)
    return np.asarray((levels == list(bytes.fromhex(color[1:]))).all(axis=2))


@pytest.mark.parametrize("quality", [75, 85, 95])
@pytest.mark.parametrize("subsampling", [0, 2])
def test_colours_of_a_jpeg_snap_to_those_of_the_map(
    quality: int, subsampling: int, tmp_path: Any
) -> None:
    image = _map()
    data = encoded(image, "JPEG", quality=quality, subsampling=subsampling)
    found = _read(data, tmp_path)
    drawn = [RED, BLUE, PURPLE, BLACK]
    pairs = {region_maps.counterpart(color, drawn): color for color in found}
    assert set(pairs) == set(drawn)
    assert len(found) == len(drawn)
    for color in drawn:
        mask = found[pairs[color]] > 0
        assert (mask != _truth(image, color)).mean() < 0.01
    small = found[pairs[PURPLE]]
    assert small[SMALL].mean() > 0.85  # not swallowed
    assert small.sum() < 1.2 * 16 * 16  # and no purple line between red and blue
    np.testing.assert_array_equal(sum(found.values()), 1)


@pytest.mark.parametrize("quality", [30, 50, 60, 75, 95])
def test_patches_along_the_edges_of_a_jpeg_are_no_colours_of_the_map(
    quality: int, tmp_path: Any
) -> None:
    image = _map().resize((400, 240), Image.Resampling.NEAREST)
    found = _read(encoded(image, "JPEG", quality=quality, subsampling=2), tmp_path)
    drawn = [RED, BLUE, PURPLE, BLACK]
    assert {region_maps.counterpart(color, drawn) for color in found} == set(drawn)


@pytest.mark.parametrize("format_", ["WEBP", "AVIF"])
def test_other_lossy_formats_are_read_as_jpeg_is(format_: str, tmp_path: Any) -> None:
    data = encoded(_map(), format_, quality=90)
    assert len(_read(data, tmp_path, ".img")) == 4


def test_a_map_with_smooth_edges_is_read_without_its_mixed_colours(
    tmp_path: Any,
) -> None:
    large = _map().resize((800, 480), Image.Resampling.NEAREST)
    data = encoded(large.resize((300, 180), Image.Resampling.LANCZOS), "PNG")
    assert set(_read(data, tmp_path)) == {RED, BLUE, PURPLE, BLACK}


@pytest.mark.parametrize(
    ("format_", "options"), [("PNG", {}), ("WEBP", {"lossless": True})]
)
def test_labels_in_a_lossless_map_stay_apart(
    format_: str, options: dict[str, Any], tmp_path: Any
) -> None:
    columns = np.arange(12, dtype=np.uint8).repeat(5)
    labels = np.broadcast_to(columns[None, :, None], (40, 60, 3)).copy()
    data = encoded(Image.fromarray(labels), format_, **options)
    assert len(_read(data, tmp_path, ".img")) == 12


def test_a_photograph_is_no_map(tmp_path: Any) -> None:
    photo = np.rint(picture(90, 120, 3).transpose(1, 2, 0)).astype(np.uint8)
    for source in (encoded(Image.fromarray(photo), form) for form in ("JPEG", "PNG")):
        with pytest.raises(ImageError, match="colours, expected at most 16 flat ones"):
            _read(source, tmp_path)


def test_a_map_may_be_an_image_that_was_opened_from_a_jpeg() -> None:
    with Image.open(io.BytesIO(encoded(_map(), "JPEG", quality=80))) as image:
        source = ImageInMemory.of(image)
        assert len(region_maps.read(source, "regions", load(image))) == 4


def test_a_colour_means_the_same_one_or_the_only_one_near_it() -> None:
    assert region_maps.counterpart("#0000fb", ["#0000ff", "#ff0000"]) == "#0000ff"
    assert region_maps.counterpart("#010101", ["#010101", "#020202"]) == "#010101"
    assert region_maps.counterpart("#010101", ["#020202", "#030303"]) is None
    assert region_maps.counterpart("#0000ff", ["#00ff00", "#ff0000"]) is None
