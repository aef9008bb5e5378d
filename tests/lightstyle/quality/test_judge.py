import tracemalloc
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from lightstyle import Model, Settings, contract
from lightstyle.errors import ImageError, UsageError
from lightstyle.images.frame import Frame, framed
from lightstyle.quality.judge import Judge, Quality
from tests.support.networks import image, picture, tiny_weights
from tests.support.oracles import forward, gram
from tests.support.picture_files import encoded

CONTENT, STYLE, MADE = image(40, 60, 1), image(40, 60, 2), image(40, 60, 3)


def _planes(image_hwc: NDArray[np.uint8]) -> NDArray[np.float32]:
    return image_hwc.transpose(2, 0, 1).astype(np.float32)


def _finite(found: Quality) -> bool:
    values = [found.share, found.cfsd, found.colour_style, found.colour_content]
    values += [found.ssim, found.psnr, *(found.w2 or {}).values()]
    return all(value is not None and np.isfinite(value) for value in values)


def test_the_content_itself_has_lost_nothing_and_gained_nothing(model: Model) -> None:
    found = Judge(CONTENT, STYLE, model=model).judge(CONTENT)
    assert found.size == (60, 40)
    assert (found.share, found.cfsd, found.colour_content) == (0, 0, 0)
    assert found.ssim == pytest.approx(1)
    assert found.psnr == np.inf
    assert found.colour_style is not None
    assert found.colour_style > 0


def test_the_style_itself_is_at_no_distance_from_it(model: Model) -> None:
    judge = Judge(None, STYLE, model=model)
    found, other = judge.judge(STYLE), judge.judge(CONTENT)
    assert found.w2 is not None
    assert other.w2 is not None
    assert found.colour_style == 0
    for layer, distance in found.w2.items():
        assert distance < 1e-3 * other.w2[layer]


def test_what_was_not_given_is_not_compared(model: Model) -> None:
    assert Judge(None, STYLE, model=model).judge(CONTENT).ssim is None
    found = Judge(CONTENT, None, model=model).judge(STYLE)
    assert (found.share, found.w2, found.colour_style) == (None, None, None)


def test_the_share_is_that_of_gatys_loss_of_framed_pictures(model: Model) -> None:
    at, content, style = (
        forward(framed(planes), tiny_weights(), contract.LAYERS, "max")
        for planes in (_planes(image) for image in (MADE, CONTENT, STYLE))
    )
    (width, height) = Frame((60, 40)).canvas

    def loss(found: dict[str, NDArray[np.float64]]) -> float:
        squares = np.sum((found["conv5_2"] - content["conv5_2"]) ** 2)
        total = 512**2 / (width * height) / 2 * squares
        for layer, share in Settings().style_layers.shares().items():
            squares = np.sum((gram(found[layer]) - gram(style[layer])) ** 2)
            scale = 4 * contract.CHANNELS[layer] ** 2
            total += 1e4 * share * squares / scale
        return float(total)

    found = Judge(CONTENT, STYLE, model=model).judge(MADE)
    assert found.share == pytest.approx(1 - loss(at) / loss(content), rel=1e-4)


def test_content_that_is_its_own_style_leaves_no_gap(model: Model) -> None:
    assert Judge(CONTENT, CONTENT, model=model).judge(CONTENT).share is None


@pytest.mark.parametrize("size", [(60, 40), (90, 60), (301, 200)])
def test_pictures_are_compared_at_their_own_size_up_to_the_one_asked_for(
    model: Model, size: tuple[int, int]
) -> None:
    width, height = size
    large = picture(height, width, 3).transpose(1, 2, 0) / 255
    found = Judge(CONTENT, STYLE, model=model, size=96).judge(large)
    assert found.size == (size if width <= 96 else (96, 64))
    assert _finite(found)


def test_large_pictures_are_read_no_larger_than_they_are_compared(
    model: Model, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("lightstyle.images.reducing.WHOLE", 1000)
    width, height = 1500, 1000
    data = encoded(Image.fromarray(image(height, width, 1)), "PNG")
    judge = Judge(data, model=model, size=48)
    tracemalloc.start()
    found = judge.judge(data)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert found.size == (48, 32)
    assert peak < width * height * 3 * 4  # one copy of it in float32


@pytest.mark.parametrize(
    "image",
    [
        np.full((32, 48), 0, np.uint8),
        np.full((32, 48), 255, np.uint8),
        picture(32, 48)[0] / 255,
    ],
)
def test_grey_blank_and_tiny_pictures_have_numbers(
    model: Model, image: NDArray[Any]
) -> None:
    judge = Judge(picture(32, 48, 1)[0] / 255, picture(40, 32)[0] / 255, model=model)
    found = judge.judge(image)
    assert _finite(found)
    assert found.colour_style == pytest.approx(0, abs=1e-3)


def test_numbers_do_not_depend_on_what_was_judged_before(model: Model) -> None:
    judge = Judge(CONTENT, STYLE, model=model)
    first = judge.judge(STYLE)
    judge.judge(picture(80, 120, 4).transpose(1, 2, 0) / 255)
    assert judge.judge(STYLE) == first


def test_bad_input_is_refused_in_a_line(model: Model) -> None:
    with pytest.raises(UsageError, match="nothing to compare with"):
        Judge(None, None, model=model)
    judge = Judge(CONTENT, None, model=model)
    with pytest.raises(UsageError, match="is 40x40, the content 60x40"):
        judge.judge(CONTENT[:, :40])
    with pytest.raises(ImageError, match="picture: 30×20 pixels"):
        judge.judge(CONTENT[:20, :30])
