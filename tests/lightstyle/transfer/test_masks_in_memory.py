import json
import pickle
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

import lightstyle
from lightstyle import Model, Settings
from lightstyle.errors import UsageError
from tests.support.networks import image
from tests.support.transfers import CONTENT, QUICK, STYLE, Mask, stylized

LEFT = np.where(np.arange(CONTENT.shape[1]) < CONTENT.shape[1] // 2, 255, 0) * np.ones(
    (len(CONTENT), 1)
)


def test_masks_and_maps_may_be_paths_arrays_and_images(
    model: Model, mask: Mask, tmp_path: Path
) -> None:
    levels = np.asarray(LEFT, np.uint8)
    path = mask(levels)
    forms = [path, Path(path), levels, Image.fromarray(levels)]
    made = [stylized(model, content_mask=(form,)) for form in forms]
    for other in made[1:]:
        np.testing.assert_array_equal(other.image_hwc, made[0].image_hwc)
    red, blue = [255, 0, 0], [0, 0, 255]
    where = np.where(levels[..., None] > 0, red, blue).astype(np.uint8)
    what = np.where(np.arange(STYLE.shape[1])[None, :, None] < 20, red, blue)
    maps = where, (what * np.ones((50, 1, 1))).astype(np.uint8)
    palette = Image.fromarray(maps[1]).quantize(2)
    by_path = stylized(model, regions=tuple(map(mask, maps)))
    in_memory = stylized(model, regions=(maps[0], palette))
    np.testing.assert_array_equal(in_memory.image_hwc, by_path.image_hwc)


def test_a_mask_in_memory_is_known_by_its_digest(model: Model) -> None:
    levels = np.asarray(LEFT, np.uint8)
    settings, same, other = (
        Settings(content_mask=(each,)) for each in (levels, levels.copy(), 255 - levels)
    )
    assert settings == same != other
    assert hash(settings) == hash(same)
    assert pickle.loads(pickle.dumps(settings)) == settings
    made = stylized(model, content_mask=(levels,))
    levels[:] = 0  # the run has a copy
    again = lightstyle.stylize(CONTENT, STYLE, model=model, settings=made.settings)
    assert again.loss == made.loss
    known = made.record.inputs["content_mask 1"]
    assert known["name"] is None
    assert len(known["sha256"] or "") == 64
    assert json.loads(str(made.record))["settings"]["content_mask"] == [
        f"./{settings.content_mask[0]}"
    ]


def test_a_checkpoint_needs_masks_that_are_files(model: Model, tmp_path: Path) -> None:
    for name, levels in (("content.png", CONTENT), ("style.png", STYLE)):
        Image.fromarray(levels).save(tmp_path / name)
    settings = replace(QUICK, content_mask=(np.asarray(LEFT, np.uint8),))
    with pytest.raises(UsageError, match=r"content-mask 1 is a ndarray: .*a path$"):
        lightstyle.stylize(
            tmp_path / "content.png",
            tmp_path / "style.png",
            model=model,
            settings=settings,
            checkpoint=lightstyle.Checkpoint(tmp_path / "run.checkpoint"),
        )


@pytest.mark.parametrize(
    ("name", "more"), [("init", {}), ("colors_of", {"color": "match-style"})]
)
def test_the_start_and_the_palette_may_be_paths_arrays_and_images(
    name: str, more: dict[str, Any], model: Model, tmp_path: Path
) -> None:
    levels = image(36, 52, 9)
    path = tmp_path / "a.png"
    Image.fromarray(levels).save(path)
    forms = [path, str(path), levels, Image.fromarray(levels)]
    made = [stylized(model, **{name: form}, **more) for form in forms]
    for other in made[1:]:
        np.testing.assert_array_equal(other.image_hwc, made[0].image_hwc)
    assert made[2].record.inputs[name]["sha256"]
    wrong: dict[str, Any] = {name: 3, **more}
    with pytest.raises(UsageError, match=f"{name.replace('_', '-')} is 3, expected"):
        Settings(**wrong)
