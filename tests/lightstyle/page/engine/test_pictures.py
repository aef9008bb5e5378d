"""Pictures that the engine resizes, frames and plans are those of Python."""

import random

import numpy as np
import pytest

from lightstyle import Settings
from lightstyle.images import color
from lightstyle.images.frame import Frame
from lightstyle.images.picture import Picture, fitted_size, resized
from lightstyle.transfer import levels
from tests.support.node import answer, needs_node

pytestmark = needs_node


def _picture(width: int, height: int, *, transparent: bool) -> Picture:
    rng = np.random.default_rng(width)
    rgb = rng.integers(0, 256, (height, width, 3)).astype(np.float32)
    alpha = rng.integers(0, 256, (height, width)).astype(np.float32)
    alpha[: height // 3] = 0
    return Picture.of(rgb, alpha if transparent else None, ())


@pytest.mark.parametrize("transparent", [False, True])
@pytest.mark.parametrize(
    ("own", "size"),
    [((64, 48), (40, 30)), ((33, 70), (90, 33)), ((200, 35), (32, 35))],
)
def test_a_picture_is_resized_as_python_does(
    own: tuple[int, int], size: tuple[int, int], transparent: bool
) -> None:
    picture = _picture(*own, transparent=transparent)
    expected = resized(picture, size)
    alpha = np.full(own[::-1], 255) if picture.alpha_hw is None else picture.alpha_hw
    rgba = np.dstack([picture.rgb_hwc, alpha]).astype(int)
    given = {"own": own, "size": size, "rgba": rgba.ravel().tolist()}
    made = answer(
        "const rgba = Uint8ClampedArray.from(given.rgba);"
        "const raw = {size: given.own, rgba, opaque: picture.isOpaque(rgba)};"
        "const {planes, alpha} = picture.resized(raw, given.size);"
        "return {planes: [...planes], alpha: alpha && [...alpha]};",
        given,
        modules=("picture",),
    )
    planes = np.reshape(made["planes"], (3, *size[::-1])).transpose(1, 2, 0)
    assert np.abs(planes - expected.rgb_hwc).max() < 0.01
    if expected.alpha_hw is None:
        assert made["alpha"] is None
    else:
        found = np.reshape(made["alpha"], size[::-1])
        assert np.abs(found - expected.alpha_hw).max() < 0.01


@pytest.mark.parametrize("size", [(32, 48), (45, 33), (100, 57)])
def test_the_frame_is_pythons(size: tuple[int, int]) -> None:
    planes = np.random.default_rng(0).integers(0, 256, (3, size[1], size[0]))
    frame = Frame(size)
    expected = frame.around(planes.astype(np.float32))
    made = answer(
        "const own = new frame.Frame(given.size);"
        "const canvas = own.around(Float32Array.from(given.planes));"
        "const back = own.inside(canvas);"
        "return {size: own.canvas, canvas: [...canvas], back: [...back]};",
        {"size": size, "planes": planes.ravel().tolist()},
        modules=("frame",),
    )
    assert made["size"] == list(frame.canvas)
    assert made["canvas"] == expected.ravel().tolist()
    assert made["back"] == planes.ravel().tolist()


def test_levels_are_planned_as_python_does() -> None:
    rng = random.Random(0)
    cases = [
        (
            (rng.randint(32, 1100), rng.randint(32, 1100)),
            rng.choice([1, 9, 10, 25, 60, 100, 300, 999]),
            rng.choice(["on", "on", "off"]),
            rng.random() < 0.5,
        )
        for _ in range(200)
    ]
    made = answer(
        "return given.map(([size, iterations, pyramid, corrected]) => ({"
        "plan: levels.planned(size, iterations, pyramid === 'on', corrected),"
        "coarsest: levels.coarsest(size)}));",
        cases,
        modules=("levels",),
    )
    for (size, iterations, pyramid, corrected), found in zip(cases, made, strict=True):
        settings = Settings(iterations=iterations, pyramid=pyramid)
        expected = levels.levels(size, settings, corrected=corrected)
        plan = [(tuple(level["size"]), level["until"]) for level in found["plan"]]
        assert plan == [(level.size, level.until) for level in expected]
        assert tuple(found["coarsest"]) == levels.coarsest(size)


def test_sizes_are_fitted_as_python_does() -> None:
    rng = random.Random(1)
    cases = [
        (rng.randint(100, 2000), rng.randint(100, 2000), size, enlarge)
        for size in (512, 777, 1000)
        for enlarge in (False, True)
        for _ in range(30)
    ]
    made = answer(
        "return given.map(([width, height, size, enlarge]) =>"
        "sizes.fittedSize([width, height], size, enlarge, 'content'));",
        cases,
        modules=("sizes",),
    )
    for (width, height, size, enlarge), found in zip(cases, made, strict=True):
        expected = fitted_size((width, height), size, enlarge=enlarge)
        assert tuple(found) == expected


_CHROMA = """
const [made, own, style] = given.planes.map((planes) => Float32Array.from(planes));
const content = { planes: own, alpha: null };
const seen = { planes: style, alpha: Float32Array.from(given.alpha) };
const choice = 'content-chroma';
return [
  color.asContent(choice, content),
  color.asStyle(choice, seen, content),
  color.finished(choice, made, content).planes,
].map((planes) => [...planes]);
"""


@pytest.mark.parametrize("dim", [1.0, 0.0])
def test_the_content_keeps_its_chroma_as_in_python(dim: float) -> None:
    rng = np.random.default_rng(4)
    made, own = (rng.integers(0, 256, (9, 8, 3)).astype(np.float32) for _ in range(2))
    style = 128 + dim * (made - 128) * 0.8
    content, alpha = Picture(own, None), np.where(np.eye(9, 8) > 0, 0, 255)
    seen = Picture(style.astype(np.float32), alpha.astype(np.float32))
    found = answer(
        _CHROMA,
        {
            "planes": [
                each.transpose(2, 0, 1).ravel().tolist() for each in (made, own, style)
            ],
            "alpha": alpha.ravel().tolist(),
        },
        modules=("color",),
    )
    choice = "content-chroma"
    expected = [
        color.as_content(choice, own),
        color.as_style(choice, seen, content),
        color.finished(choice, Picture(made, None), content)[0],
    ]
    for planes, right in zip(found, expected, strict=True):
        values = np.reshape(planes, (3, 9, 8)).transpose(1, 2, 0)
        np.testing.assert_allclose(values, right, atol=0.01)
