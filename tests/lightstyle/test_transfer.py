import threading
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

import lightstyle
from export import STYLE_LAYERS
from lightstyle import LayerWeights, Model, Progress, Settings, Status, contract
from lightstyle.errors import ImageError, ModelError, TransferError, UsageError
from tests.networks import break_evaluation, picture, tiny_weights
from tests.oracles import forward, gram

QUICK = Settings(size=48, iterations=12)


def _image(height: int, width: int, seed: int) -> np.ndarray:
    return np.rint(picture(height, width, seed).transpose(1, 2, 0)).astype(np.uint8)


CONTENT, STYLE = _image(40, 60, 1), _image(50, 44, 2)


@pytest.fixture(scope="module")
def model(tiny_model: Path) -> Model:
    return Model.load(tiny_model, "cpu")


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
    content, style, start = (_image(32, 48, seed) for seed in (1, 2, 3))
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
        forward(image.transpose(2, 0, 1), tiny_weights(), contract.LAYERS, "max")
        for image in (start, content, style)
    )
    area = 512**2 / (32 * 48)
    expected = {}
    for layer, share in (("conv4_2", 0.25), ("conv5_2", 0.75)):
        squares = np.sum((at[layer] - subject[layer]) ** 2)
        expected[f"content_loss/{layer}"] = 3.0 * area * share * 0.5 * squares
    for layer in settings.style_layers:
        squares = np.sum((gram(at[layer]) - gram(painting[layer])) ** 2)
        scale = 4 * contract.CHANNELS[layer] ** 2
        expected[f"style_loss/{layer}"] = 50.0 * 0.2 * squares / scale
    steps = [np.diff(start.astype(float), axis=axis) for axis in (0, 1)]
    expected["tv_loss"] = 0.02 * area * sum(np.sum(step**2) for step in steps)
    first = result.history[0]
    assert first.terms == pytest.approx(expected, rel=1e-4)
    assert first.total == pytest.approx(sum(expected.values()), rel=1e-4)


def test_terms_without_weight_are_left_out(model: Model) -> None:
    settings = replace(QUICK, iterations=1, style_layers=LayerWeights({"conv2_1": 1.0}))
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
    assert set(result.history[0].terms) == {"content_loss/conv5_2"}
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
    assert len(model.info.content_layers) == 2
    settings = replace(
        QUICK, content_layers=LayerWeights({"conv4_2": 1.0}), iterations=1
    )
    made = lightstyle.stylize(CONTENT, STYLE, model=model, settings=settings)
    assert "content_loss/conv4_2" in made.history[0].terms


def _start(model: Model, tmp_path: Path, **changes: Any) -> np.ndarray:
    """The picture that a run starts from."""
    settings = replace(QUICK, iterations=1, **changes)
    made = lightstyle.stylize(CONTENT, STYLE, model=model, settings=settings)
    return made.image_hwc


def test_runs_start_where_they_are_told(model: Model, tmp_path: Path) -> None:
    small = Image.fromarray(CONTENT).resize((48, 32), Image.Resampling.LANCZOS)
    content = _start(model, tmp_path, init="content")
    assert np.abs(content - np.asarray(small, np.float32)).max() < 2
    noise = _start(model, tmp_path, init="noise")
    np.testing.assert_allclose(noise.mean(), 127.5, atol=3)
    mixed = _start(model, tmp_path, init_noise=0.5)
    assert np.abs(mixed - (content + noise) / 2).max() < 1
    Image.fromarray(_image(32, 48, 9)).save(tmp_path / "mine.png")
    mine = _start(model, tmp_path, init=str(tmp_path / "mine.png"))
    np.testing.assert_array_equal(mine, _image(32, 48, 9))


@pytest.mark.parametrize(
    ("asked", "ran"), [("auto", "lbfgs"), ("lbfgs", "lbfgs"), ("lbfgsb", "lbfgsb")]
)
@pytest.mark.parametrize("init", ["content", "noise"])
def test_each_optimiser_lowers_the_loss_of_the_saved_picture(
    model: Model, tmp_path: Path, asked: str, ran: str, init: str
) -> None:
    settings = Settings(size=48, iterations=25, init=init, optimizer=asked)
    result = lightstyle.stylize(CONTENT, STYLE, model=model, settings=settings)
    assert result.optimizer == ran
    assert result.loss < 0.3 * result.history[0].total
    result.save(tmp_path / "made.png")
    settings = replace(settings, init=str(tmp_path / "made.png"), iterations=1)
    again = lightstyle.stylize(CONTENT, STYLE, model=model, settings=settings)
    assert again.loss == pytest.approx(result.loss, rel=0.2)  # it was rounded


def test_noise_is_that_of_the_seed(model: Model, tmp_path: Path) -> None:
    first = _start(model, tmp_path, init="noise", seed=1)
    np.testing.assert_array_equal(first, _start(model, tmp_path, init="noise", seed=1))
    assert not np.array_equal(first, _start(model, tmp_path, init="noise", seed=2))


def test_the_same_settings_make_the_same_picture(model: Model) -> None:
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

    def spy(self: Model, pixels: np.ndarray, plan: Any = None) -> Any:
        seen.append(pixels.shape[2:])
        return targets(self, pixels, plan)

    monkeypatch.setattr(Model, "targets", spy)
    style = _image(200, 150, 2)
    for scale in (1.0, 2.0):
        settings = replace(QUICK, iterations=1, style_scale=scale)
        lightstyle.stylize(CONTENT, style, model=model, settings=settings)
    assert seen[1] == (48, 36)
    assert seen[3] == (96, 72)


def test_progress_is_seen_at_every_evaluation(model: Model) -> None:
    seen: list[Progress] = []
    result = lightstyle.stylize(
        CONTENT, STYLE, model=model, settings=QUICK, callback=seen.append
    )
    pictures = [progress.image_hwc for progress in seen]
    assert [p.evaluation for p in seen] == list(range(1, 13))
    assert [p.losses for p in seen] == list(result.history)
    assert len(seen) == 12
    assert pictures[0].shape == result.image_hwc.shape
    np.testing.assert_array_equal(pictures[-1], result.image_hwc)
    assert [p.seconds for p in seen] == sorted(p.seconds for p in seen)


def test_a_callback_can_end_the_run_and_keeps_the_best_picture(model: Model) -> None:
    def stop_at_five(progress: Progress) -> None:
        if progress.evaluation == 5:
            raise StopIteration

    result = lightstyle.stylize(
        CONTENT, STYLE, model=model, settings=QUICK, callback=stop_at_five
    )
    assert result.status is Status.CANCELLED
    assert result.evaluations == 5
    assert result.loss == min(entry.total for entry in result.history)


def test_other_errors_of_a_callback_are_the_callers(model: Model) -> None:
    def fail(progress: Progress) -> None:
        raise RuntimeError("mine")

    with pytest.raises(RuntimeError, match="mine"):
        lightstyle.stylize(CONTENT, STYLE, model=model, settings=QUICK, callback=fail)


def test_threads_may_stylize_with_one_model(model: Model) -> None:
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
    for seed, image in enumerate(expected):
        np.testing.assert_array_equal(found[seed], image)


def test_transparency_is_set_aside_and_put_back(model: Model, tmp_path: Path) -> None:
    alpha = np.zeros((32, 48, 1), np.uint8)
    alpha[:, 24:] = 255
    content = np.concatenate([_image(32, 48, 1), alpha], axis=2)
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
    for image in made[1:]:
        np.testing.assert_allclose(image, made[0], atol=0.01)


def test_a_model_is_loaded_from_its_path(tiny_model: Path) -> None:
    settings = replace(QUICK, iterations=1)
    made = lightstyle.stylize(CONTENT, STYLE, model=tiny_model, settings=settings)
    assert made.evaluations == 1


def test_a_weight_that_overflows_is_an_error_not_a_picture(model: Model) -> None:
    settings = replace(
        QUICK, style_weight=1e300, style_layers=LayerWeights({"conv1_1": 1.0})
    )
    with pytest.raises(TransferError, match="style-weight is 1e"):
        lightstyle.stylize(CONTENT, STYLE, model=model, settings=settings)


def test_a_model_that_breaks_in_the_middle_leaves_the_best_picture(
    model: Model, monkeypatch: pytest.MonkeyPatch
) -> None:
    break_evaluation(monkeypatch, 7)
    result = lightstyle.stylize(CONTENT, STYLE, model=model, settings=QUICK)
    assert result.status is Status.NON_FINITE
    assert result.evaluations == 7
    assert np.isfinite(result.image_hwc).all()
    assert result.loss < result.history[0].total


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
    ],
)
def test_bad_input_is_an_error_that_says_which(
    model: Model, call: Any, error: type[Exception], problem: str
) -> None:
    with pytest.raises(error, match=problem) as caught:
        call(model)
    assert "\n" not in str(caught.value)
