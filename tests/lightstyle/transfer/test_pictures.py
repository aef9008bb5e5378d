import io
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

import lightstyle
from lightstyle import Model, Settings
from lightstyle.errors import ImageError, ModelError, UsageError
from tests.support.networks import image
from tests.support.transfers import CONTENT, QUICK, STYLE


def _start(model: Model, **changes: Any) -> np.ndarray:
    """The picture that a run starts from."""
    settings = replace(QUICK, iterations=1, **changes)
    made = lightstyle.stylize(CONTENT, STYLE, model=model, settings=settings)
    return made.image_hwc


def test_runs_start_where_they_are_told(model: Model, tmp_path: Path) -> None:
    small = Image.fromarray(CONTENT).resize((48, 32), Image.Resampling.LANCZOS)
    content = _start(model, init="content")
    assert np.abs(content - np.asarray(small, np.float32)).max() < 2
    noise = _start(model, init="noise")
    np.testing.assert_allclose(noise.mean(), 127.5, atol=3)
    mixed = _start(model, init_noise=0.5)
    assert np.abs(mixed - (content + noise) / 2).max() < 1
    Image.fromarray(image(32, 48, 9)).save(tmp_path / "mine.png")
    mine = _start(model, init=str(tmp_path / "mine.png"))
    np.testing.assert_array_equal(mine, image(32, 48, 9))


def test_noise_is_that_of_the_seed(model: Model) -> None:
    first = _start(model, init="noise", seed=1)
    np.testing.assert_array_equal(first, _start(model, init="noise", seed=1))
    assert not np.array_equal(first, _start(model, init="noise", seed=2))


def test_transparency_is_set_aside_and_put_back(model: Model, tmp_path: Path) -> None:
    alpha = np.zeros((32, 48, 1), np.uint8)
    alpha[:, 24:] = 255
    content = np.concatenate([image(32, 48, 1), alpha], axis=2)
    result = lightstyle.stylize(content, STYLE, model=model, settings=QUICK)
    assert result.to_array().shape == (32, 48, 4)
    np.testing.assert_array_equal(result.to_array()[..., 3:], alpha)
    result.save(tmp_path / "out.png")
    saved = np.asarray(Image.open(tmp_path / "out.png"))
    np.testing.assert_array_equal(saved, result.to_array())
    assert result.to_pil().mode == "RGBA"


def test_paths_images_and_arrays_are_all_pictures(model: Model, tmp_path: Path) -> None:
    Image.fromarray(CONTENT).save(tmp_path / "content.png")
    settings = replace(QUICK, iterations=2)
    made = [
        lightstyle.stylize(source, STYLE, model=model, settings=settings).image_hwc
        for source in (
            tmp_path / "content.png",
            str(tmp_path / "content.png"),
            Image.fromarray(CONTENT),
            CONTENT,
            CONTENT / 255,
        )
    ]
    for other in made[1:]:
        np.testing.assert_allclose(other, made[0], atol=0.01)


def test_a_model_is_loaded_from_its_path(tiny_model: Path) -> None:
    settings = replace(QUICK, iterations=1)
    made = lightstyle.stylize(CONTENT, STYLE, model=tiny_model, settings=settings)
    assert made.evaluations == 1


@pytest.mark.parametrize(
    ("call", "error", "problem"),
    [
        (lambda m: lightstyle.stylize("no.png", STYLE, model=m), ImageError, "content"),
        (lambda m: lightstyle.stylize(CONTENT, "no.png", model=m), ImageError, "style"),
        (
            lambda m: lightstyle.stylize(CONTENT[:8, :8], STYLE, model=m),
            ImageError,
            "content",
        ),
        (
            lambda m: lightstyle.stylize(CONTENT, STYLE[:8, :8], model=m),
            ImageError,
            "style",
        ),
        (lambda m: lightstyle.texture(STYLE, (512, 16), model=m), UsageError, "size"),
        (
            lambda m: lightstyle.texture(
                STYLE, (64, 64), model=m, settings=Settings(init="content")
            ),
            UsageError,
            "init is content",
        ),
        (
            lambda m: lightstyle.stylize(
                CONTENT, STYLE, model=m, settings=Settings(init="no.png")
            ),
            ImageError,
            "init",
        ),
        (
            lambda m: lightstyle.stylize(
                CONTENT, STYLE, model=m, settings=Settings(pooling="average")
            ),
            ModelError,
            "built without average pooling",
        ),
        (
            lambda m: lightstyle.stylize(
                CONTENT, STYLE, model=m, settings=Settings(precision="tf32")
            ),
            UsageError,
            "precision is tf32, and the model computes in float32",
        ),
    ],
)
def test_bad_input_is_an_error_that_says_which(
    model: Model, call: Any, error: type[Exception], problem: str
) -> None:
    with pytest.raises(error, match=problem) as caught:
        call(model)
    assert "\n" not in str(caught.value)


def test_a_notebook_shows_the_picture_and_a_short_line(model: Model) -> None:
    seen: list[str] = []
    result = lightstyle.stylize(
        CONTENT,
        STYLE,
        model=model,
        settings=QUICK,
        callback=lambda progress: seen.append(repr(progress)),
    )
    shown = Image.open(io.BytesIO(result._repr_png_()))
    np.testing.assert_array_equal(np.asarray(shown), result.to_array())
    assert repr(result).startswith("<Result: 48x32, 12 iterations of lbfgs in ")
    assert seen[4].startswith("<Progress: evaluation 5 of 12, level 1 of 1, loss ")
    assert max(map(len, (repr(result), *seen))) < 150
