import threading
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

import lightstyle
from export import STYLE_LAYERS
from lightstyle import LayerWeights, Model, Settings, Status, contract
from lightstyle.errors import TransferError, UsageError
from lightstyle.images.frame import Frame, framed
from tests.support.networks import image, tiny_weights
from tests.support.oracles import forward, gram
from tests.support.transfers import CONTENT, FIXED, QUICK, STYLE


def test_the_loss_falls_and_the_result_tells_how(model: Model) -> None:
    result = lightstyle.stylize(CONTENT, STYLE, model=model, settings=QUICK)
    assert result.image_hwc.shape == (32, 48, 3)
    assert result.image_hwc.dtype == np.float32
    assert 0 <= result.image_hwc.min() <= result.image_hwc.max() <= 255
    assert result.status is Status.BUDGET_SPENT
    assert result.evaluations == len(result.history) == 12
    assert result.loss == min(entry.total for entry in result.history)
    assert result.loss < 0.5 * result.history[0].total
    assert result.settings == replace(QUICK, init="content")
    assert result.seconds > 0


def test_the_first_loss_is_the_formula_term_by_term(
    model: Model, tmp_path: Path
) -> None:
    content, style, start = (image(32, 48, seed) for seed in (1, 2, 3))
    Image.fromarray(start).save(tmp_path / "start.png")
    settings = replace(
        QUICK,
        content_weight=3.0,
        style_weight=50.0,
        tv_weight=0.02,
        content_layers=LayerWeights({"conv4_2": 1.0, "conv5_2": 3.0}),
        style_layers=LayerWeights(dict.fromkeys(STYLE_LAYERS, 2.0)),
        init=str(tmp_path / "start.png"),
    )
    result = lightstyle.stylize(content, style, model=model, settings=settings)
    at, subject, painting = (
        forward(canvas, tiny_weights(), contract.LAYERS, "max")
        for canvas in map(_canvas, (start, content, style))
    )
    area = 512**2 / (48 * 64)
    expected = {}
    for layer, share in (("conv4_2", 0.25), ("conv5_2", 0.75)):
        squares = np.sum((at[layer] - subject[layer]) ** 2)
        expected[f"content_loss/{layer}"] = 3.0 * area * share * 0.5 * squares
    for layer in settings.style_layers:
        squares = np.sum((gram(at[layer]) - gram(painting[layer])) ** 2)
        scale = 4 * contract.CHANNELS[layer] ** 2
        expected[f"style_loss/{layer}"] = 50.0 * 0.2 * squares / scale
    steps = [np.diff(_canvas(start).astype(float), axis=axis) for axis in (1, 2)]
    expected["tv_loss"] = 0.02 * area * sum(np.sum(step**2) for step in steps)
    first = result.history[0]
    assert first.terms == pytest.approx(expected, rel=1e-4)
    assert first.total == pytest.approx(sum(expected.values()), rel=1e-4)


def _canvas(image_hwc: np.ndarray) -> np.ndarray:
    """Return a picture (H, W, 3) in its frame, (3, h, w)."""
    return framed(image_hwc.transpose(2, 0, 1).astype(np.float32))


def test_terms_without_weight_are_left_out(model: Model) -> None:
    settings = replace(FIXED, iterations=1, style_layers=LayerWeights({"conv2_1": 1.0}))
    result = lightstyle.stylize(CONTENT, STYLE, model=model, settings=settings)
    assert set(result.history[0].terms) == {
        "content_loss/conv5_2",
        "style_loss/conv2_1",
    }


def test_weights_of_layers_are_relative(model: Model) -> None:
    def first(layers: dict[str, float]) -> float:
        settings = replace(QUICK, iterations=1, style_layers=LayerWeights(layers))
        made = lightstyle.stylize(CONTENT, STYLE, model=model, settings=settings)
        return made.loss

    assert first({"conv1_1": 1, "conv2_1": 3}) == first({"conv1_1": 5, "conv2_1": 15})


def test_content_alone_is_reconstructed_from_noise(model: Model) -> None:
    settings = Settings(size=48, iterations=30)
    result = lightstyle.reconstruct(CONTENT, model=model, settings=settings)
    layers = settings.content_layers.used
    assert set(result.history[0].terms) == {f"content_loss/{each}" for each in layers}
    assert result.image_hwc.shape == (32, 48, 3)
    assert result.loss < 0.2 * result.history[0].total


def test_a_texture_has_the_size_asked_for(model: Model) -> None:
    settings = Settings(iterations=30)
    result = lightstyle.texture(STYLE, (40, 56), model=model, settings=settings)
    assert {name.partition("/")[0] for name in result.history[0].terms} == {
        "style_loss"
    }
    assert result.image_hwc.shape == (56, 40, 3)
    assert result.loss < 0.5 * result.history[0].total


def test_an_untouched_model_may_hold_more_layers_than_a_job_uses(model: Model) -> None:
    assert len(model.info.content_layers) > 1
    settings = replace(
        QUICK, content_layers=LayerWeights({"conv4_2": 1.0}), iterations=1
    )
    made = lightstyle.stylize(CONTENT, STYLE, model=model, settings=settings)
    assert "content_loss/conv4_2" in made.history[0].terms


@pytest.mark.parametrize(
    ("asked", "ran"), [("auto", "lbfgs"), ("lbfgs", "lbfgs"), ("lbfgsb", "lbfgsb")]
)
@pytest.mark.parametrize("init", ["content", "noise"])
def test_each_optimiser_lowers_the_loss_of_the_saved_picture(
    model: Model, tmp_path: Path, asked: str, ran: str, init: str
) -> None:
    settings = replace(FIXED, iterations=25, init=init, optimizer=asked)
    result = lightstyle.stylize(CONTENT, STYLE, model=model, settings=settings)
    assert result.optimizer == ran
    assert result.loss < 0.3 * result.history[0].total
    result.save(tmp_path / "made.png")
    settings = replace(settings, init=str(tmp_path / "made.png"), iterations=1)
    again = lightstyle.stylize(CONTENT, STYLE, model=model, settings=settings)
    # It was rounded, and its frame is mirrored anew.
    assert again.loss < 0.5 * result.history[0].total


def test_the_same_settings_make_the_same_picture(tiny_model: Path) -> None:
    model = Model.load(tiny_model, "cpu")  # on all cores
    settings = replace(QUICK, init_noise=0.3, seed=4)
    first, second = (
        lightstyle.stylize(CONTENT, STYLE, model=model, settings=settings)
        for _ in range(2)
    )
    np.testing.assert_array_equal(first.image_hwc, second.image_hwc)


def test_the_style_keeps_its_proportions_and_scale(
    model: Model, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen = []
    targets = Model.targets

    def spy(self: Model, pixels: np.ndarray, *others: Any) -> Any:
        seen.append(pixels.shape[2:])
        return targets(self, pixels, *others)

    monkeypatch.setattr(Model, "targets", spy)
    style = image(200, 150, 2)
    for scale in (1.0, 2.0):
        settings = replace(FIXED, iterations=1, style_scale=scale)
        lightstyle.stylize(CONTENT, style, model=model, settings=settings)
    assert seen[1] == Frame((36, 48)).canvas[::-1]
    assert seen[3] == Frame((72, 96)).canvas[::-1]


def test_threads_may_stylize_with_one_model(tiny_model: Path) -> None:
    model = Model.load(tiny_model, "cpu")  # on all cores

    def make(seed: int) -> np.ndarray:
        settings = replace(QUICK, init="noise", seed=seed, iterations=6)
        made = lightstyle.stylize(CONTENT, STYLE, model=model, settings=settings)
        return made.image_hwc

    expected = [make(seed) for seed in range(4)]
    found: dict[int, np.ndarray] = {}

    def work(seed: int) -> None:
        found[seed] = make(seed)

    threads = [threading.Thread(target=work, args=(seed,)) for seed in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for seed, wanted in enumerate(expected):
        np.testing.assert_array_equal(found[seed], wanted)


def test_a_weight_that_overflows_is_an_error_not_a_picture(model: Model) -> None:
    settings = replace(
        QUICK, style_weight=1e300, style_layers=LayerWeights({"conv1_1": 1.0})
    )
    with pytest.raises(TransferError, match="style-weight is 1e"):
        lightstyle.stylize(CONTENT, STYLE, model=model, settings=settings)


def test_too_little_memory_is_told_of_the_final_size(tiny_model: Path) -> None:
    small = Model.load(tiny_model, "cpu", 1, 10**6)
    settings = Settings(size=512, enlarge=True)
    with pytest.raises(UsageError, match="512x341 needs at least"):
        lightstyle.stylize(CONTENT, STYLE, model=small, settings=settings)
