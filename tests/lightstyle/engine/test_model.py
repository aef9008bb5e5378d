import threading
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from lightstyle import Model, contract
from lightstyle.engine import model as model_module
from lightstyle.engine.session import Session
from lightstyle.errors import DeviceError, UsageError
from tests.support.networks import feeds_for, loss_for, picture, tiny_weights
from tests.support.oracles import loss_and_gradient, relative_l2


def test_a_model_says_what_it_was_built_with(tiny_model: Path) -> None:
    info = Model.load(tiny_model, "cpu").info
    assert info.content_layers == ("conv3_1", "conv4_2", "conv5_2")
    assert info.style_layers[0] == "conv1_1"
    assert (info.pooling, info.source, info.path) == ("max", "tiny", tiny_model)


def test_an_evaluation_is_what_the_oracle_computes(tiny_model: Path) -> None:
    weights = tiny_weights()
    image, content, style = (picture(40, 48, seed=n) for n in range(3))
    model = Model.load(tiny_model, "cpu")
    content_weights = dict.fromkeys(model.info.content_layers, 1.0)
    style_weights = dict.fromkeys(model.info.style_layers, 10.0)
    loss = loss_for(weights, content, style, content_weights, style_weights, "max", 0.1)
    terms, gradient = loss_and_gradient(image, weights, loss, "max")
    found = model.evaluate(image[None], feeds_for(loss, np.float32))
    assert found.terms == pytest.approx(terms, rel=1e-5)
    assert relative_l2(found.gradient[0], gradient) < 1e-4


def test_targets_are_feeds_of_an_evaluation_that_then_finds_no_loss(
    tiny_model: Path,
) -> None:
    model = Model.load(tiny_model, "cpu")
    image = picture(45, 40)[None]
    feeds = model.targets(image)
    for name in list(feeds):
        feeds[name.replace("_target", "_weight")] = np.array(1, np.float32)
    feeds[contract.TV_WEIGHT] = np.array(0, np.float32)
    terms = model.evaluate(image, feeds).terms
    terms.pop(contract.TV_LOSS)
    assert max(terms.values()) < 1e-6


def test_gram_matrices_are_computed_once_for_each_picture(
    tiny_model: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    model = Model.load(tiny_model, "cpu")
    pictures = [
        picture(40, 45, seed)[None] for seed in range(model_module.REMEMBERED + 2)
    ]
    asked: list[int] = []
    compute = model.targets

    def counted(pixels: np.ndarray, *others: object) -> dict[str, np.ndarray]:
        asked.append(1)
        return compute(pixels)

    monkeypatch.setattr(model, "targets", counted)
    for pixels in pictures:
        first, again = (model.style_targets(pixels.copy()) for _ in range(2))
        assert first is again
        expected = compute(pixels)
        for name, matrix in first.items():
            np.testing.assert_array_equal(matrix, expected[name])
    assert len(asked) == len(pictures)
    model.style_targets(pictures[2])  # the oldest of those, and now the latest
    assert len(asked) == len(pictures)
    model.style_targets(pictures[0])  # not among the latest any more
    model.style_targets(pictures[2])
    assert len(asked) == len(pictures) + 1


def test_two_sizes_at_a_time_have_sessions_of_their_own(
    tiny_model: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    model = Model.load(tiny_model, "cpu")
    made: list[object] = []
    start = Session.__init__

    def counted(self: Session, *arguments: Any, **others: Any) -> None:
        made.append(others.get("size"))
        start(self, *arguments, **others)

    monkeypatch.setattr(Session, "__init__", counted)
    for _ in range(3):
        for size in ((40, 44), (48, 36)):
            model.targets(picture(*size)[None])
    assert made == [(40, 44), (48, 36)]


def test_threads_may_share_a_model(tiny_model: Path) -> None:
    model = Model.load(tiny_model, "cpu")
    pictures = [picture(40 + n, 50 - n, seed=n)[None] for n in range(8)]
    expected = [model.targets(pixels) for pixels in pictures]
    found: dict[int, dict[str, np.ndarray]] = {}

    def work(n: int) -> None:
        for _ in range(5):
            found[n] = model.targets(pictures[n])

    threads = [threading.Thread(target=work, args=(n,)) for n in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for n, targets in enumerate(expected):
        for name, values in targets.items():
            np.testing.assert_array_equal(found[n][name], values)


@pytest.mark.parametrize(
    ("device", "threads"), [("tpu", None), ("cpu", 0), ("cpu", 100_000)]
)
def test_devices_and_threads_out_of_range_are_refused(
    tiny_model: Path, device: str, threads: int | None
) -> None:
    with pytest.raises(UsageError, match="expected"):
        Model.load(tiny_model, device, threads)


def test_cuda_without_a_gpu_is_an_error(tiny_model: Path) -> None:
    with pytest.raises(DeviceError, match="cuda"):
        Model.load(tiny_model, "cuda")
