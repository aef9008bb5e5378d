import threading
import warnings
import zlib

import pytest
from PIL import Image

from lightstyle.errors import ImageError
from lightstyle.images import decoding, pillow_guard
from tests.support.picture_files import encoded


def _png() -> bytes:
    return encoded(Image.new("RGB", (17, 12)), "PNG")


def test_warnings_are_silent_while_decoding_and_only_there() -> None:
    before = list(warnings.filters)
    with pillow_guard.guarded("content"):
        warnings.warn("odd metadata", UserWarning, stacklevel=1)
        elsewhere: list[BaseException] = []

        def warn() -> None:
            try:
                warnings.warn("of another thread", UserWarning, stacklevel=1)
            except UserWarning as warning:
                elsewhere.append(warning)

        thread = threading.Thread(target=warn)
        thread.start()
        thread.join()
    assert len(elsewhere) == 1
    assert list(warnings.filters) == before


def test_warnings_stay_silent_after_a_guard_within_a_guard() -> None:
    with pillow_guard.guarded("content"):
        with pillow_guard.guarded("content"):
            pass
        warnings.warn("odd metadata", UserWarning, stacklevel=1)
    with pytest.raises(UserWarning):
        warnings.warn("afterwards", UserWarning, stacklevel=1)


def test_an_interrupt_is_not_turned_into_an_error() -> None:
    with pytest.raises(KeyboardInterrupt), pillow_guard.guarded("content"):
        raise KeyboardInterrupt


@pytest.mark.parametrize(
    "error", [MemoryError(), KeyError("x"), RecursionError("a\nb"), OSError()]
)
def test_whatever_pillow_raises_is_one_line(error: Exception) -> None:
    with pytest.raises(ImageError, match=r"^content: [^\n]+$"):  # noqa: SIM117
        with pillow_guard.guarded("content"):
            raise error


def test_a_reason_of_pillows_is_short() -> None:
    with pytest.raises(ImageError) as caught, pillow_guard.guarded("content"):
        raise ValueError((12345,) * 300)
    assert "(12345, 12345" in str(caught.value)
    assert len(str(caught.value)) < 300


def _bomb(width: int, height: int) -> bytes:
    header = width.to_bytes(4, "big") + height.to_bytes(4, "big")
    data = bytearray(_png())
    start = data.index(b"IHDR")
    data[start + 4 : start + 12] = header
    checksum = zlib.crc32(data[start : start + 17])
    data[start + 17 : start + 21] = checksum.to_bytes(4, "big")
    return bytes(data)


@pytest.mark.parametrize("side", [12_300, 14_000, 60_000])
def test_a_bomb_is_refused_before_it_is_decoded(
    side: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(decoding, "_decode", pytest.fail)
    expected = f"style: {side * side / 1e6:,.1f} megapixels, expected at most 150 "
    with pytest.raises(ImageError, match=expected):
        decoding.from_bytes(_bomb(side, side), "style")


@pytest.mark.parametrize("size", [(4_000_000, 33), (33, 4_000_000)])
def test_a_line_of_pixels_is_refused_before_it_is_decoded(
    size: tuple[int, int], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(decoding, "_decode", pytest.fail)
    expected = "{}×{} pixels, expected one side to be at most 1000 times".format(*size)
    with pytest.raises(ImageError, match=expected):
        decoding.from_bytes(_bomb(*size), "style")


def test_an_application_may_have_a_lower_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 50)
    with pytest.raises(ImageError, match="too large: Image size"):
        decoding.from_bytes(_png(), "content")


def test_a_picture_below_the_limit_gives_no_bomb_warning(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 150)  # Pillow warns up to twice that
    assert decoding.from_bytes(_png(), "content").rgb_hwc.shape == (12, 17, 3)
