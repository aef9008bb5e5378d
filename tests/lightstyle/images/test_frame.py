import numpy as np
import pytest

from lightstyle.images.frame import MARGIN, MULTIPLE, Frame


@pytest.mark.parametrize("size", [(32, 33), (48, 47), (49, 64), (175, 143), (512, 384)])
def test_a_canvas_has_a_margin_all_around_and_halves_without_remainder(
    size: tuple[int, int],
) -> None:
    frame = Frame(size)
    for side, whole in zip(size, frame.canvas, strict=True):
        assert whole % MULTIPLE == 0
        assert 2 * MARGIN <= whole - side < 2 * MARGIN + MULTIPLE


@pytest.mark.parametrize("leading", [(), (3,), (1, 3)])
def test_the_picture_lies_unchanged_inside_its_mirror_image(
    leading: tuple[int, ...],
) -> None:
    frame = Frame((45, 37))
    shape = (*leading, 37, 45)
    planes = np.arange(np.prod(shape), dtype=np.float32).reshape(shape)
    canvas = frame.around(planes)
    assert canvas.shape == (*leading, *frame.canvas[::-1])
    inside = frame.inside(canvas)
    np.testing.assert_array_equal(inside, planes)
    top, left = (canvas.shape[-2] - 37) // 2, (canvas.shape[-1] - 45) // 2
    assert min(top, left) >= MARGIN
    np.testing.assert_array_equal(canvas[..., top - 1, left - 1], planes[..., 1, 1])
    np.testing.assert_array_equal(canvas[..., top - 5, left], planes[..., 5, 0])


def test_what_is_painted_inside_a_canvas_is_painted_in_the_canvas() -> None:
    frame = Frame((40, 40))
    canvas = frame.around(np.zeros((40, 40), np.float32))
    frame.inside(canvas)[...] = 1
    assert canvas.sum() == 40 * 40
