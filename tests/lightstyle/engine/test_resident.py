from pathlib import Path
from typing import Any

import numpy as np
import pytest

from lightstyle import Model, contract, onnx_runtime
from lightstyle.engine.resident import Resident
from lightstyle.optimize.curvature import HISTORY
from lightstyle.optimize.device import DeviceLBFGS, Point
from lightstyle.step_contract import CHANGES, STEPS
from tests.support.devices import resident_model
from tests.support.networks import picture
from tests.support.oracles import relative_l2

SIZE = 40, 36


def _feeds(model: Model) -> dict[str, Any]:
    content, style = picture(*SIZE, seed=1)[None], picture(48, 40, seed=2)[None]
    found = {**model.targets(content), **model.style_targets(style)}
    layers = model.info.content_layers, model.info.style_layers
    for number, term in enumerate(contract.terms(*layers), start=1):
        found[term.replace("_loss", "_weight")] = np.array(number, np.float32)
    return found


def _resident(model: Model) -> Resident:
    return model.resident(_feeds(model), np.ones(SIZE, np.float32), HISTORY.pairs)


@pytest.mark.parametrize("graph_form", [contract.cpu_path, None])
def test_evaluations_are_those_of_the_model(tiny_model: Path, graph_form: Any) -> None:
    model = resident_model(tiny_model, graph_form=graph_form)
    image = picture(*SIZE)[None]
    expected = model.evaluate(image, _feeds(model))
    resident = _resident(model)
    terms, answer = resident.evaluate(resident.place(image))
    numbered = enumerate(expected.terms.items(), start=1)
    assert terms == pytest.approx({n: i * v for i, (n, v) in numbered}, rel=1e-5)
    gradient = answer.gradient.numpy()
    assert relative_l2(gradient, expected.gradient) < 1e-6


@pytest.mark.parametrize("in_place", [True, False])
def test_the_history_lies_where_it_lay_if_the_device_writes_in_place(
    tiny_model: Path, in_place: bool
) -> None:
    model = resident_model(tiny_model, in_place=in_place)
    resident, places = _resident(model), []
    method = DeviceLBFGS(picture(*SIZE)[None], resident)
    descent = method.descend()
    point = next(descent)
    for _ in range(4):
        terms, answer = resident.evaluate(point.placed)
        point = descent.send((sum(terms.values()), answer))
        places.append([method._state[name].data_ptr() for name in (STEPS, CHANGES)])
    assert (len({*map(tuple, places)}) == 1) == in_place


def test_nothing_but_a_few_numbers_crosses_at_an_evaluation(
    tiny_model: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    resident = _resident(resident_model(tiny_model))
    method = DeviceLBFGS(picture(*SIZE)[None], resident)
    descent = method.descend()
    point: Point = next(descent)
    crossed: list[int] = []
    value = onnx_runtime.load().OrtValue
    read, placed = value.numpy, value.ortvalue_from_numpy

    def numpy(self: Any) -> Any:
        array = read(self)
        crossed.append(array.nbytes)
        return array

    def from_numpy(array: Any, *where: Any) -> Any:
        crossed.append(array.nbytes)
        return placed(array, *where)

    monkeypatch.setattr(value, "numpy", numpy)
    monkeypatch.setattr(value, "ortvalue_from_numpy", from_numpy)
    evaluations = 5
    for _ in range(evaluations):
        terms, answer = resident.evaluate(point.placed)
        assert method.finite(answer)
        method.state()
        crossed_before = len(crossed)
        point = descent.send((sum(terms.values()), answer))
        assert len(crossed) == crossed_before
        if _ == 0:
            crossed.clear()  # the first one makes the history
    assert len(crossed) == 3 * (evaluations - 1)
    assert max(crossed) < 100
