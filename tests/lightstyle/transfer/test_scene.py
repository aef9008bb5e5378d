"""The images of a run: read once, and seen at each size."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import lightstyle
from lightstyle import Model, images
from lightstyle.errors import UsageError
from lightstyle.images import masks
from lightstyle.transfer.inputs import Inputs
from lightstyle.transfer.scene import Scene
from lightstyle.transfer.start import start_image
from tests.support.networks import image
from tests.support.transfers import CONTENT, QUICK, STYLE

SETTINGS = replace(QUICK, init="content")
SIZE = 48, 32
LEFT = np.repeat(np.where(np.arange(60) < 30, 255, 0)[None], 40, 0).astype(np.uint8)


def _scene(**changes: object) -> Scene:
    settings = replace(SETTINGS, **changes)  # type: ignore[arg-type]
    content, style = images.load(CONTENT), images.load(STYLE)
    return Scene(Inputs.read(settings, SIZE, content, (style,)), SIZE)


def test_what_settings_name_is_read_once(tmp_path: Path) -> None:
    Image.fromarray(LEFT).save(tmp_path / "mask.png")
    Image.fromarray(image(40, 60, 7)).save(tmp_path / "start.png")
    paths = {
        "content_mask": (str(tmp_path / "mask.png"),),
        "init": str(tmp_path / "start.png"),
    }
    scene = _scene(**paths)
    for path in tmp_path.iterdir():
        path.unlink()
    assert scene.masks_rhw() is not None
    assert scene.frozen_hw is not None
    assert start_image(scene).shape == (1, 3, *scene.frame.canvas[::-1])


def test_masks_are_made_once_however_many_frames_are_saved(
    model: Model, monkeypatch: pytest.MonkeyPatch
) -> None:
    made: list[object] = []
    resized = masks.resized

    def spy(mask: np.ndarray, size: tuple[int, int]) -> np.ndarray:
        made.append(size)
        return resized(mask, size)

    monkeypatch.setattr(masks, "resized", spy)
    settings = replace(SETTINGS, content_mask=(LEFT,))

    def look(progress: lightstyle.Progress) -> None:
        assert progress.image_hwc.shape == (32, 48, 3)

    def run(*, watched: bool) -> int:
        made.clear()
        lightstyle.stylize(
            CONTENT,
            STYLE,
            model=model,
            settings=settings,
            callback=look if watched else None,
        )
        return len(made)

    assert run(watched=True) == run(watched=False)


def test_a_composite_has_the_content_where_nothing_is_stylised() -> None:
    scene = _scene(content_mask=(LEFT,))
    grey = np.full((32, 48, 3), 128, np.float32)
    canvas = scene.frame.around(images.to_pixels(grey))
    found, notes = scene.composite(canvas)
    own = images.resized(images.load(CONTENT), SIZE).rgb_hwc
    np.testing.assert_array_equal(found[:, 26:], own[:, 26:])
    np.testing.assert_array_equal(found[:, :22], grey[:, :22])
    assert notes == ()
    whole, _ = _scene(content_mask=(LEFT,), outside="blend").composite(canvas)
    np.testing.assert_array_equal(whole, grey)


def test_memory_counts_every_image_and_mask_once() -> None:
    plain, masked = _scene().inputs, _scene(content_mask=(LEFT,)).inputs
    assert plain.nbytes == 4 * (CONTENT.size + STYLE.size)  # the start is the content
    assert masked.nbytes - plain.nbytes == 4 * LEFT.size


def test_a_start_that_the_job_does_not_have_is_refused() -> None:
    settings = replace(SETTINGS, init="style")
    with pytest.raises(UsageError, match="no style image: choose another"):
        Inputs.read(settings, SIZE, images.load(CONTENT))
