import gc
from collections.abc import Collection
from contextlib import nullcontext
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from export import build_model
from lightstyle import Checkpoint, Model, Result, Settings, contract, resume, stylize
from lightstyle.arrays import Size
from lightstyle.cluster.band_worker import BandWorker
from lightstyle.cluster.bands import BandedModel
from lightstyle.cluster.spread import Spread
from lightstyle.engine import banding
from lightstyle.engine.bands import Reach, bands
from lightstyle.engine.guides import guides
from lightstyle.engine.strips import Tiling
from lightstyle.engine.sweeps import Forward
from lightstyle.engine.tiled import TiledModel
from lightstyle.errors import ClusterError
from lightstyle.losses.gaussian import metric
from lightstyle.settings.choices import StyleLoss
from tests.support.bands import InlineCrew, layers_of, spread
from tests.support.evaluators import CONTENT, STYLE, WEIGHTS, evaluator
from tests.support.networks import feeds_for, image, loss_for, picture, weighed
from tests.support.oracles import loss_and_gradient, relative_l2
from tests.support.transfers import until

NARROW = Tiling({1: 16, 2: 12, 3: 16, 4: 12, 5: 12}, dict.fromkeys(range(1, 6), 20))
ENTIRE = Tiling(dict.fromkeys(range(1, 6), 4096), dict.fromkeys(range(1, 6), 4096))
LAYERS = [*CONTENT, *STYLE]
HIGH, WIDE = (389, 33), (35, 452)


def _banded(tiled: TiledModel, count: int, **more: Any) -> BandedModel:
    return BandedModel(tiled.heads, LAYERS, InlineCrew(tiled, count, **more))


def _exact(pooling: str = "max") -> TiledModel:
    return TiledModel(evaluator(pooling, cpu=False), [*CONTENT], [*STYLE])


@pytest.mark.parametrize("keeps", [False, True], ids=["anew", "kept"])
@pytest.mark.parametrize("count", [1, 2, 3, 5])
@pytest.mark.parametrize(
    ("size", "pooling"), [(HIGH, "max"), (WIDE, "average")], ids=str
)
def test_bands_give_the_loss_and_the_gradient_of_the_whole(
    size: tuple[int, int], pooling: str, count: int, keeps: bool
) -> None:
    image, content, style = picture(*size), picture(*size, 1), picture(50, 40, 2)
    loss = loss_for(WEIGHTS, content, style, CONTENT, STYLE, pooling, 0.01)
    terms, gradient = loss_and_gradient(image, WEIGHTS, loss, pooling)
    banded = _banded(_exact(pooling), count)
    pixels, feeds = image[None].astype(np.float64), feeds_for(loss, np.float64)
    cut = NARROW if count == 3 else ENTIRE
    plan = replace(cut, keeps=keeps, bands=count)
    outputs = banded.evaluate(pixels, feeds, plan)
    assert relative_l2(outputs.pop(contract.GRADIENT)[0], gradient) < 1e-12
    found = {name: value.sum() for name, value in outputs.items()}
    assert found == pytest.approx(terms, rel=1e-12)


def _weighed(targets: dict[str, Any]) -> dict[str, Any]:
    weights = weighed(targets, 3, tv_weight=0.1)
    return {
        n: w.astype(float) if n.endswith("weight") or "_weight/" in n else w
        for n, w in weights.items()
    }


def _guided(size: tuple[int, int]) -> dict[str, Any]:
    """Feeds of two regions with soft edges, one of them in the metric of gaussian."""
    tiled = _exact()
    y, x = np.mgrid[: size[0], : size[1]]
    masks = np.array([np.clip((x + y - 100) / 150, 0, 1), (x + y) % 7 < 3])
    masks = masks.astype(np.float32)
    pictures = (picture(*size, seed)[None].astype(np.float64) for seed in (1, 2, 3))
    subject, *painted = (tiled.targets(each, NARROW) for each in pictures)
    feeds = _weighed(subject)
    for layer in STYLE:
        name = contract.style_target(layer)
        feeds[name] = np.stack([each[name] for each in painted])
        flat = np.eye(feeds[name].shape[-1])
        feeds[contract.style_metric(layer)] = np.stack([metric(feeds[name][0]), flat])
    feeds |= {name: each.astype(np.float64) for name, each in guides(masks).items()}
    return feeds | {contract.REGION_WEIGHT: np.array([[0.7], [1.5]])}


@pytest.mark.parametrize(("size", "count"), [(HIGH, 2), (WIDE, 3), (HIGH, 5)], ids=str)
def test_regions_and_metrics_are_those_of_the_whole(
    size: tuple[int, int], count: int
) -> None:
    feeds, pixels = _guided(size), picture(*size)[None].astype(np.float64)
    expected = _exact().evaluate(pixels, feeds, NARROW)
    plan = replace(ENTIRE, bands=count, keeps=count == 3)
    found = _banded(_exact(), count).evaluate(pixels, feeds, plan)
    assert found.keys() == expected.keys()
    for name, value in expected.items():
        assert relative_l2(found[name], value) < 1e-12


@pytest.mark.parametrize("masked", [False, True])
def test_targets_are_those_of_the_whole_and_stay_with_the_workers(masked: bool) -> None:
    mask = np.clip(picture(*HIGH, 4)[:1] / 200, 0, 1)
    made = guides(mask.astype(np.float32)) if masked else {}
    shares = {name: share.astype(np.float64) for name, share in made.items()}
    pixels = picture(*HIGH)[None].astype(np.float64)
    expected = _exact().targets(pixels, NARROW, shares)
    banded = _banded(_exact(), 3)
    found = banded.targets(pixels, replace(NARROW, bands=3), shares)
    assert found.keys() == expected.keys()
    for name, value in expected.items():
        assert isinstance(found[name], Spread) == name.startswith("content")
        assert found[name].shape == value.shape
        assert found[name].sum() == pytest.approx(value.sum(), rel=1e-12)
        assert relative_l2(np.asarray(found[name]), value) < 1e-12


def _descent(
    model: Model, losses: Collection[int]
) -> tuple[dict[str, Any], InlineCrew]:
    """Two steps down from a picture, in bands, while workers are lost."""
    crew, plan = InlineCrew(model.tiled, 3, losses), replace(ENTIRE, bands=3)
    banded = BandedModel(model.tiled.heads, layers_of(model), crew)
    feeds = weighed(banded.targets(picture(*HIGH, 1)[None], plan), 3, tv_weight=0.1)
    pixels: Any = picture(*HIGH)[None]
    outputs: dict[str, Any] = {}
    for _ in range(2):
        outputs = banded.evaluate(pixels, feeds, plan)
        pixels = pixels - np.float32(1e-6) * outputs[contract.GRADIENT]
    return outputs, crew


@pytest.mark.parametrize("lost", range(1, 16, 2))
def test_a_worker_that_is_lost_changes_no_bit(model: Model, lost: int) -> None:
    """Whatever it was about, and whatever it had kept."""
    expected, _ = _descent(model, ())
    found, crew = _descent(model, (lost, lost + 1))
    assert crew.made == 5
    for name, value in expected.items():
        np.testing.assert_array_equal(found[name], value)


def test_workers_that_die_at_every_evaluation_end_in_one_line(model: Model) -> None:
    with pytest.raises(ClusterError, match=r"^8 workers in a row .* lower --mem"):
        _descent(model, range(1, 100))


def test_losses_before_an_evaluation_count_no_more_after_it(model: Model) -> None:
    _, crew = _descent(model, {*range(1, 8), *range(11, 18)})
    assert crew.made == 3 + 7 + 7


def test_workers_keep_nothing_of_a_level_that_is_over(model: Model) -> None:
    crew, plan = InlineCrew(model.tiled, 2), replace(ENTIRE, bands=2)
    banded = BandedModel(model.tiled.heads, layers_of(model), crew)
    for seed in range(3):
        pixels = picture(*HIGH, seed)[None]
        feeds = weighed(banded.targets(pixels, plan), 3, tv_weight=0.1)
        banded.evaluate(pixels, feeds, plan)
        gc.collect()
    assert max(crew.kept()) == len(model.info.content_layers)


def test_workers_forget_bands_of_an_evaluation_that_ended_in_a_death(
    model: Model,
) -> None:
    worker, pixels = BandWorker(model.tiled), picture(*HIGH)[None]
    cuts = bands(HIGH[::-1], 2, Reach.of(layers_of(model)))
    for turn, band in enumerate(cuts, 1):
        worker.forward(band, ENTIRE, pixels[:, :, band.lines(1)], {}, turn)
    assert sum(isinstance(each, Forward) for each in gc.get_objects()) == 1


@pytest.fixture
def deep(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Model:
    """A model with all that the losses of runs may want; small pictures pay."""
    monkeypatch.setattr(banding, "ROUND_TRIPS", 0)
    path = tmp_path / "m.onnx"
    content_layers = ["conv3_1", "conv4_1", "conv4_2", "conv5_1", "conv5_2"]
    build_model(WEIGHTS, path, content_layers=content_layers)
    return Model.load(path, "cpu", 1)


def _pixels(size: Size, seed: int) -> Any:
    width, height = size
    return picture(height, width, seed).transpose(1, 2, 0) / 255


@pytest.mark.parametrize(
    "settings",
    [
        Settings(style_weight=1e4),
        Settings(style_loss=StyleLoss.GAUSSIAN, style_weight=1e4, balance_layers=True),
        Settings(style_loss=StyleLoss.MATCH, style_weight=1e4),
        Settings(blend=(3, 1), style_weight=1e4),
    ],
    ids=["default", "gaussian", "match", "blend"],
)
def test_a_run_on_workers_has_the_losses_of_a_run_on_one(
    deep: Model, settings: Settings
) -> None:
    settings = settings.changed({"size": 800, "iterations": 5})
    content, one, other = (_pixels((800, 70), seed) for seed in (1, 2, 3))
    styles = [one, other] if settings.blend else one
    alone = stylize(content, styles, model=deep, settings=settings)
    with spread(deep, 3):
        found = stylize(content, styles, model=deep, settings=settings)
    assert found.record.layouts["800x70"].bands == 3
    for ours, theirs in zip(found.history, alone.history, strict=True):
        assert ours.size == theirs.size
        # Rounding is another, and a network of few channels makes much of it.
        assert ours.total == pytest.approx(theirs.total, rel=3e-3)


RUN = Settings(size=800, iterations=8, style_weight=1e4, style_loss=StyleLoss.MATCH)


class Studio:
    """A model and two files."""

    def __init__(self, model: Model, folder: Path) -> None:
        self.model, self.kept = model, Checkpoint(folder / "kept", seconds=0)
        self._files = folder / "content.png", folder / "style.png"
        for seed, file in enumerate(self._files):
            Image.fromarray(image(80, 800, seed)).save(file)

    def run(self, count: int, **more: Any) -> Result:
        """Run on a number of workers, if there are any."""
        with spread(self.model, count) if count else nullcontext():
            return stylize(*self._files, model=self.model, settings=RUN, **more)

    def cut_off(self, count: int) -> None:
        """Run half of it, and leave a checkpoint."""
        stopped = self.run(count, checkpoint=self.kept, callback=until(5))
        assert len(stopped.history) == 5

    def resume(self, count: int) -> Result:
        """Go on with it."""
        with spread(self.model, count) if count else nullcontext():
            return resume(self.kept.path, model=self.model)


@pytest.fixture
def studio(deep: Model, tmp_path: Path) -> Studio:
    return Studio(deep, tmp_path)


@pytest.mark.parametrize("count", [1, 2, 5])
def test_any_number_of_workers_repeats_a_run_bit_for_bit(
    studio: Studio, count: int
) -> None:
    """It computes the same bands, some of which share a worker."""
    made = studio.run(3)
    assert made.record.layouts["800x80"].bands == 3
    again = studio.run(count, like=made.record)
    assert again.record.as_dict() == made.record.as_dict()
    assert _losses(again) == _losses(made)
    np.testing.assert_array_equal(again.image_hwc, made.image_hwc)


@pytest.mark.parametrize("count", [1, 2, 5])
def test_a_run_goes_on_bit_for_bit_on_another_number_of_workers(
    studio: Studio, count: int
) -> None:
    whole = studio.run(3)
    studio.cut_off(3)
    resumed = studio.resume(count)
    assert _losses(resumed) == _losses(whole)
    np.testing.assert_array_equal(resumed.image_hwc, whole.image_hwc)


def test_a_run_goes_on_without_workers(studio: Studio) -> None:
    whole = studio.run(3)
    studio.cut_off(3)
    resumed = studio.resume(0)
    assert resumed.record.layouts["800x80"].tiling is None
    assert _losses(resumed) == pytest.approx(_losses(whole), rel=3e-3)


def test_workers_that_a_run_gets_later_are_used(studio: Studio) -> None:
    studio.cut_off(0)
    assert studio.resume(3).record.layouts["800x80"].bands == 3


def _losses(result: Result) -> list[float]:
    return [losses.total for losses in result.history]
