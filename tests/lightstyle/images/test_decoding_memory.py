"""A picture that does not fit into memory is refused before it is decoded."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from PIL import Image, ImageFile

from lightstyle import Model, Settings
from lightstyle.errors import ImageError, UsageError
from lightstyle.images import reducing, samples
from lightstyle.images.decoding_memory import Room, peak, within
from lightstyle.images.loading import load
from lightstyle.transfer.forecast import Forecast
from lightstyle.transfer.stylize import texture
from tests.support.picture_files import encoded

_MB = 10**6
_DATA = encoded(Image.new("RGBA", (1000, 800), (9, 9, 9, 9)), "PNG")


def _room(budget: int | None, free: int = 10**12) -> Room:
    return Room(lambda: 100 * _MB, lambda: free, budget)


@pytest.fixture
def _undecoded(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(image: Image.Image) -> None:
        raise AssertionError("decoded")

    monkeypatch.setattr(ImageFile.ImageFile, "load", refuse)


@pytest.mark.usefixtures("_undecoded")
def test_what_exceeds_the_budget_is_refused_undecoded() -> None:
    with (
        within(_room(110 * _MB)),
        pytest.raises(UsageError, match=r"^content bytes, 1 megapixels: decoding it "),
    ):
        load(_DATA, role="content")


@pytest.mark.usefixtures("_undecoded")
def test_what_exceeds_the_free_memory_is_refused_undecoded() -> None:
    with (
        within(_room(None, free=10 * _MB)),
        pytest.raises(ImageError, match=r"only 0\.01 GB are free: .*make the picture"),
    ):
        load(_DATA)


def test_the_advice_names_the_size_only_where_it_helps(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with within(_room(101 * _MB)), pytest.raises(UsageError) as caught:
        load(_DATA)
    assert "choose a smaller size, or make the picture smaller" in str(caught.value)
    monkeypatch.setattr(reducing, "WHOLE", 0)
    with within(_room(101 * _MB)), pytest.raises(UsageError) as caught:
        load(_DATA, longest=100)
    assert "choose a smaller size" not in str(caught.value)
    assert "make the picture smaller first" in str(caught.value)


def test_the_peak_is_remembered_and_nothing_is_asked_outside() -> None:
    assert peak() == 0
    with within(_room(200 * _MB)) as room:
        load(_DATA)
        assert peak() == room.peak > 130 * _MB
        before = replace(room).peak
        load(encoded(Image.new("L", (10, 10)), "PNG"))
        assert room.peak == before
    assert peak() == 0


def test_a_progressive_jpeg_takes_its_coefficients(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(reducing, "WHOLE", 0)
    peaks = {}
    for progressive in (False, True):
        data = encoded(Image.new("RGB", (2000, 1000)), "JPEG", progressive=progressive)
        with within(_room(None)) as room:
            load(data, longest=100)
        peaks[progressive] = room.peak
    assert peaks[True] - peaks[False] > 5 * _MB  # 2 bytes of 1.5 samples a pixel


@pytest.mark.parametrize("head", [b"PF\n4000 4000\n-1\n", b"P6\n4000 4000\n65535\n"])
def test_what_is_read_without_pillow_is_refused_too(head: bytes) -> None:
    with (
        within(_room(200 * _MB)),
        pytest.raises(UsageError, match="16 megapixels: decoding it needs"),
    ):
        load(head + bytes(100))


@pytest.mark.parametrize("channels", [(), (1,), (3,), (4,)])
@pytest.mark.parametrize("dtype", [np.uint8, np.float64])
def test_arrays_are_counted_and_refused_before_they_are_converted(
    channels: tuple[int, ...], dtype: type, monkeypatch: pytest.MonkeyPatch
) -> None:
    array: Any = np.zeros((1000, 800, *channels), dtype)
    with within(_room(200 * _MB)) as room:
        load(array)
    levels = load(array).rgb_hwc.nbytes
    assert 100 * _MB + levels <= room.peak < 100 * _MB + 4 * levels
    monkeypatch.setattr(samples, "grey_levels", lambda *_: pytest.fail("converted"))
    with (
        within(_room(109 * _MB)),
        pytest.raises(UsageError, match=r"^style array, 1 megapixels: decoding it "),
    ):
        load(array, role="style")


@pytest.mark.parametrize("mode", ["L", "RGB", "RGBA", "CMYK", "I;16"])
def test_images_in_memory_are_counted_and_refused_before_they_are_copied(
    mode: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    image = Image.new(mode, (1000, 800))
    with within(_room(200 * _MB)) as room:
        load(image)
    file_ = encoded(image.convert("RGB") if mode == "CMYK" else image, "PNG")
    with within(_room(200 * _MB)) as room_of_file:
        load(file_)
    assert room.peak > room_of_file.peak  # by the copy
    monkeypatch.setattr(Image.Image, "copy", lambda _: pytest.fail("copied"))
    with (
        within(_room(110 * _MB)),
        pytest.raises(UsageError, match=r"^style image, 1 megapixels: decoding it "),
    ):
        load(image, role="style")


def test_arrays_and_images_are_part_of_the_forecast(model: Model) -> None:
    pixels = np.zeros((3000, 3000, 3), np.uint8)
    needs = []
    for style in (pixels[:64, :64], pixels, Image.fromarray(pixels)):
        forecasts: list[Forecast] = []
        texture(
            style,
            (48, 48),
            model=model,
            settings=Settings(iterations=1),
            announce=forecasts.append,
        )
        needs.append(forecasts[0].decoding)
    assert needs[1] - needs[0] > 9 * 12 * _MB
    assert needs[2] - needs[0] > 9 * 12 * _MB
