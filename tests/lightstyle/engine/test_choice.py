from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from lightstyle import Model
from lightstyle.engine import choice, offers, providers, trial
from lightstyle.engine.model import Evaluation
from lightstyle.engine.providers import HOST
from lightstyle.engine.resident import Resident
from lightstyle.errors import DeviceError, ModelError, TransferError, UsageError
from tests.support.networks import picture
from tests.support.oracles import relative_l2

NEW = replace(HOST, name="new", self_test=True, graph_form=None, fixed_sizes=True)

Change = Callable[[Evaluation], Any]


@pytest.fixture(autouse=True)
def _new_device(monkeypatch: pytest.MonkeyPatch) -> None:
    """A row more, of a device that may be offered and not work; nothing is timed."""
    rows = *providers.PROVIDERS, NEW
    monkeypatch.setattr(providers, "PROVIDERS", rows)
    monkeypatch.setattr(providers, "DEVICES", (*providers.DEVICES, NEW.name))
    monkeypatch.setattr(choice, "offered", lambda: iter([offers.Offer(NEW)]))
    monkeypatch.setattr(trial, "rate", _rates(new=2.0, cpu=1.0))


def _rates(**rates: float) -> Callable[..., float]:
    return lambda model, host: rates[model.device]


@pytest.fixture
def evaluations(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The devices of all evaluations, in their order."""
    evaluate = Model.evaluate
    made: list[str] = []

    def noted(self: Model, *arguments: Any) -> Evaluation:
        made.append(self.device)
        return evaluate(self, *arguments)

    monkeypatch.setattr(Model, "evaluate", noted)
    return made


def _broken(monkeypatch: pytest.MonkeyPatch, change: Change) -> None:
    """Change what the new device computes."""
    evaluate = Model.evaluate

    def wrong(self: Model, *arguments: Any) -> Any:
        found = evaluate(self, *arguments)
        return change(found) if self.device == NEW.name else found

    monkeypatch.setattr(Model, "evaluate", wrong)


def _fails(error: Exception) -> Change:
    def fail(found: Evaluation) -> None:
        raise error

    return fail


def _gradient(change: Callable[[Any], Any]) -> Change:
    return lambda found: replace(found, gradient=change(found.gradient))


def test_a_device_is_added_by_a_row(tiny_model: Path) -> None:
    image = picture(40, 48)[None]
    model = Model.load(tiny_model, NEW.name)
    assert model.device == Model.load(tiny_model, "auto").device == NEW.name
    expected = Model.load(tiny_model, HOST.name).targets(image)
    for name, value in model.targets(image).items():
        assert relative_l2(value, expected[name].astype(np.float64)) < 1e-5


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (_gradient(lambda g: g / 2), "its gradient has 0.5 times the size"),
        (_gradient(lambda g: 0.012 * g), "its gradient has 0.012 times the size"),
        (_gradient(lambda g: g * np.nan), "its gradient is not finite"),
        (
            _gradient(lambda g: (g.view("u4") & 0xFFFF0000).view("f4")),
            "its gradient differs from the CPU's by",
        ),
        (
            lambda found: replace(found, terms=dict.fromkeys(found.terms, 0.0)),
            "has 0 times the size",
        ),
        (_fails(ModelError("a library is missing")), "a library is missing"),
    ],
    ids=["half", "dead mask", "NaN", "bfloat16", "losses", "failure"],
)
def test_a_device_that_computes_something_else_is_refused(
    tiny_model: Path, monkeypatch: pytest.MonkeyPatch, change: Change, words: str
) -> None:
    _broken(monkeypatch, change)
    with pytest.raises(DeviceError, match="new cannot be used: it failed") as c:
        Model.load(tiny_model, NEW.name)
    assert words in str(c.value)
    assert "choose another --device" in str(c.value)
    assert Model.load(tiny_model, "auto").device == HOST.name


def test_a_device_is_tested_once_on_a_machine(
    tiny_model: Path, evaluations: list[str]
) -> None:
    Model.load(tiny_model, NEW.name)
    assert NEW.name in evaluations
    evaluations.clear()
    for device in (NEW.name, "auto"):
        assert Model.load(tiny_model, device).device == NEW.name
    assert evaluations == []


def test_a_refused_device_is_tested_again_only_when_it_is_named(
    tiny_model: Path, monkeypatch: pytest.MonkeyPatch, evaluations: list[str]
) -> None:
    with monkeypatch.context() as broken:
        _broken(broken, _gradient(lambda g: g / 2))
        assert Model.load(tiny_model, "auto").device == HOST.name
    evaluations.clear()
    assert Model.load(tiny_model, "auto").device == HOST.name
    assert evaluations == []
    assert Model.load(tiny_model, NEW.name).device == NEW.name
    assert Model.load(tiny_model, "auto").device == NEW.name


def test_auto_takes_the_fastest_of_those_that_passed(
    tiny_model: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(trial, "rate", _rates(new=1.0, cpu=2.0))
    assert Model.load(tiny_model, "auto").device == HOST.name
    assert Model.load(tiny_model, NEW.name).device == NEW.name


def test_auto_leaves_out_a_device_on_which_no_session_works(
    tiny_model: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    _broken(monkeypatch, _fails(NEW.unusable("no adapter")))
    assert Model.load(tiny_model, "auto").device == HOST.name
    assert [*choice.described(tiny_model)][-1].startswith("new: refused: no adapter")
    with pytest.raises(DeviceError, match=r"^device new cannot be used: no adapter;"):
        Model.load(tiny_model, NEW.name)


def test_a_lack_of_memory_is_no_verdict_on_a_device(
    tiny_model: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as broken:
        _broken(broken, _fails(TransferError("out of memory")))
        assert Model.load(tiny_model, "auto").device == HOST.name
    assert Model.load(tiny_model, "auto").device == NEW.name


def test_on_a_machine_with_the_cpu_alone_nothing_is_tried(
    tiny_model: Path, monkeypatch: pytest.MonkeyPatch, evaluations: list[str]
) -> None:
    monkeypatch.setattr(choice, "offered", lambda: iter(()))
    assert Model.load(tiny_model, "auto").device == HOST.name
    assert evaluations == []


def test_a_precision_has_a_test_of_its_own(
    tiny_model: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    row = replace(NEW, rougher={"tf32": ({}, 2e-2)})
    rows = *providers.PROVIDERS[:-1], row
    monkeypatch.setattr(providers, "PROVIDERS", rows)
    noise = np.random.default_rng(0)
    _broken(
        monkeypatch,
        _gradient(lambda g: g * (1 + 1e-2 * noise.normal(size=g.shape)).astype("f4")),
    )
    with pytest.raises(DeviceError, match="at most 1e-03 is right"):
        Model.load(tiny_model, NEW.name)
    model = Model.load(tiny_model, NEW.name, precision="tf32")
    assert (model.device, model.precision) == (NEW.name, "tf32")
    with pytest.raises(UsageError, match="load it with these settings"):
        model.check_precision("float32")


def test_auto_with_a_precision_takes_the_device_that_has_it(tiny_model: Path) -> None:
    with pytest.raises(DeviceError, match="device cuda cannot be used"):
        Model.load(tiny_model, "auto", precision="tf32")


@pytest.mark.parametrize("device", ["cpu", "webgpu"])
def test_a_device_without_a_precision_names_one_that_has_it(
    tiny_model: Path, device: str
) -> None:
    with pytest.raises(UsageError, match=f"{device} does not have: .* --device cuda"):
        Model.load(tiny_model, device, precision="tf32")


def test_a_device_is_described_before_and_after_its_test(tiny_model: Path) -> None:
    def line() -> str:
        return [*choice.described(tiny_model)][-1]

    offered = "new: offered; tested before its first run; runs the portable graphs"
    assert line() == offered
    Model.load(tiny_model, NEW.name)
    assert line().startswith("new: usable; it passed its test")
    assert next(choice.described(tiny_model)) == "cpu: usable; runs its own graphs"


@pytest.mark.parametrize("factor", [1.0, 0.5])
def test_a_device_that_keeps_pictures_must_take_the_same_steps(
    tiny_model: Path, monkeypatch: pytest.MonkeyPatch, factor: float
) -> None:
    row = replace(NEW, memory=HOST.name, resident=True)
    model = Model(tiny_model, row, 1, None)
    step = Resident.step

    def wrong(self: Resident, *given: Any) -> Any:
        image, state = step(self, *given)
        if self is not model_on_device[0]:
            return image, state
        shown = given[0].numpy()
        return self.place(shown + factor * (image.numpy() - shown)), state

    model_on_device: list[Resident] = []
    made = model.resident

    def resident(*given: Any) -> Resident:
        model_on_device[:] = [made(*given)]
        return model_on_device[0]

    monkeypatch.setattr(Resident, "step", wrong)
    monkeypatch.setattr(model, "resident", resident)
    host = Model(tiny_model, HOST, 1, None)
    fault = trial.fault(model, host, HOST.tolerance)
    assert fault.startswith("its first step has 0.5 times" if factor < 1 else "")
    assert bool(fault) == (factor < 1)
