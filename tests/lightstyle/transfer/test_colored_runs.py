from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

import lightstyle
from lightstyle import Checkpoint, Model, Result, Settings, images
from lightstyle.errors import CheckpointError, UsageError
from lightstyle.images.oklab import to_oklab
from tests.conftest import Runner
from tests.support.networks import image
from tests.support.transfers import (
    CONTENT,
    FIXED,
    QUICK,
    STYLE,
    see_without_frames,
    until,
)

LEVELS = Settings(size=256, iterations=24, pyramid="on", style_weight=1e4)


OTHER = image(30, 50, 3) // 3


@pytest.fixture
def other(tmp_path: Path) -> str:
    Image.fromarray(OTHER).save(tmp_path / "other.png")
    return str(tmp_path / "other.png")


def _stylize(model: Model, settings: Settings, **options: Any) -> Result:
    content = options.pop("content", CONTENT)
    return lightstyle.stylize(content, STYLE, model=model, settings=settings, **options)


def _texture(model: Model, settings: Settings) -> Result:
    return lightstyle.texture(STYLE, (48, 40), model=model, settings=settings)


JOBS: dict[str, Callable[[Model, Settings], Result]] = {
    "stylize": _stylize,
    "texture": _texture,
}


@pytest.fixture
def seen(monkeypatch: pytest.MonkeyPatch) -> list[np.ndarray]:
    """Pictures, (3, H, W), of which the network gives targets: content and style."""
    return see_without_frames(monkeypatch, "targets")


def _moments(image_hwc: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    colors = image_hwc.reshape(-1, 3).astype(float)
    return colors.mean(axis=0), np.cov(colors.T, bias=True)


def _chroma_kept(found: np.ndarray, content: np.ndarray, within: float = 1e-4) -> float:
    """The share of pixels that have the content's chroma."""
    off = np.abs(to_oklab(found) - to_oklab(content))[..., 1:]
    return float(np.mean(off.max(axis=-1) < within))


def test_every_picture_of_a_run_has_the_contents_chroma(model: Model) -> None:
    alpha = np.full((192, 256, 1), 255, np.uint8)
    alpha[:96] = 100
    content = np.concatenate([image(192, 256, 4), alpha], axis=2)
    settings = replace(LEVELS, color="content-chroma", init_noise=0.1)
    seen: list[np.ndarray] = []
    result = _stylize(
        model,
        settings,
        content=content,
        callback=lambda progress: seen.append(progress.image_hwc),
    )
    subject = images.load(content)
    assert {each.shape for each in seen} == {(192, 256, 3)}
    for each in (seen[0], seen[-1], result.image_hwc):
        sized = images.resized(subject, each.shape[1::-1])
        assert _chroma_kept(each, sized.rgb_hwc) > 0.8
    kept = _chroma_kept(result.image_hwc, subject.rgb_hwc)
    (note,) = result.notes
    clipped, _, words = note.partition(" % of the pixels")
    assert "were clipped" in words
    assert 100 * (1 - kept) == pytest.approx(float(clipped), abs=0.15)
    np.testing.assert_array_equal(seen[-1], result.image_hwc)


@pytest.mark.parametrize("levels", [FIXED, LEVELS])
@pytest.mark.parametrize("channels", [[0, 1, 2], [0, 0, 0]])
def test_the_network_sees_a_style_of_the_contents_mean_and_covariance(
    model: Model, seen: list[np.ndarray], levels: Settings, channels: list[int]
) -> None:
    content = image(192, 256, 5)[..., channels]
    _stylize(model, replace(levels, color="match-style"), content=content)
    assert len(seen) == (4 if levels is LEVELS else 2)
    for subject, style in zip(seen[::2], seen[1::2], strict=True):
        pair = (_moments(each.transpose(1, 2, 0)) for each in (style, subject))
        for found, expected in zip(*pair, strict=True):
            np.testing.assert_allclose(found, expected, rtol=1e-3, atol=1e-2)


@pytest.mark.parametrize("job", JOBS)
def test_the_network_sees_a_style_of_a_third_pictures_mean_and_covariance(
    tiny_model: Path, seen: list[np.ndarray], other: str, job: str
) -> None:
    model = Model.load(tiny_model, "cpu", 1)  # that remembers no style yet
    JOBS[job](model, replace(FIXED, color="match-style", colors_of=other))
    sized = images.resized(images.load(OTHER), (48, 29)).rgb_hwc
    for found, expected in zip(
        _moments(seen[-1].transpose(1, 2, 0)), _moments(sized), strict=True
    ):
        np.testing.assert_allclose(found, expected, rtol=1e-3, atol=1e-2)


@pytest.mark.parametrize("job", JOBS)
def test_the_result_has_the_colours_of_a_third_picture(
    model: Model, other: str, job: str
) -> None:
    settings = replace(QUICK, color="content-histogram", colors_of=other)
    made = JOBS[job](model, settings).image_hwc
    np.testing.assert_allclose(_moments(made)[0], _moments(OTHER)[0], atol=4)


def test_a_run_starts_from_what_the_network_sees(model: Model) -> None:
    settings = replace(QUICK, iterations=1, color="match-style", init="style")
    found = _stylize(model, settings, content=CONTENT // 4).image_hwc
    assert found.mean() == pytest.approx(CONTENT.mean() / 4, rel=0.1)


def test_reconstruction_has_no_use_for_colours(model: Model) -> None:
    settings = replace(QUICK, color="match-style", colors_of="no.png")
    made = lightstyle.reconstruct(CONTENT, model=model, settings=settings)
    plain = lightstyle.reconstruct(CONTENT, model=model, settings=QUICK)
    np.testing.assert_array_equal(made.image_hwc, plain.image_hwc)


@pytest.mark.parametrize(
    "choice", ["content-chroma", "content-histogram", "match-style"]
)
def test_a_texture_has_no_content_to_take_colours_of(model: Model, choice: str) -> None:
    settings = replace(QUICK, color=choice)
    with pytest.raises(UsageError, match="no content") as caught:
        _texture(model, settings)
    assert "\n" not in str(caught.value)


def test_a_resumed_run_has_the_same_palette_or_is_refused(
    model: Model, other: str, studio: Path
) -> None:
    settings = replace(QUICK, color="content-histogram", colors_of="other.png")
    given: dict[str, Any] = {"model": model, "settings": settings}
    whole = lightstyle.stylize("content.png", "style.png", **given)

    path = studio / "run.checkpoint"
    lightstyle.stylize(
        "content.png",
        "style.png",
        **given,
        callback=until(7),
        checkpoint=Checkpoint(path),
    )
    resumed = lightstyle.resume(path, model=model)
    np.testing.assert_array_equal(resumed.image_hwc, whole.image_hwc)
    Image.fromarray(STYLE).save(other)
    with pytest.raises(CheckpointError, match=r"colors-of .* was changed"):
        lightstyle.resume(path, model=model)


def test_saved_pictures_have_the_colours_and_the_share_is_printed(
    run: Runner, studio: Path
) -> None:
    options = ["-o", "out.png", "--save-every=2", "--bits=16", "--color=content-chroma"]
    quick = ["--size=48", "--iterations=4"]
    done = run("stylize", "content.png", "style.png", *options, *quick)
    assert done.code == 0
    assert "% of the pixels were clipped" in done.lines[-2]
    assert Path("out_0004.png").read_bytes() == Path("out.png").read_bytes()
    sized = images.resized(images.load("content.png"), (48, 32)).rgb_hwc
    rounded = images.load("out_0002.png").rgb_hwc
    assert _chroma_kept(rounded, sized, within=0.01) > 0.8
