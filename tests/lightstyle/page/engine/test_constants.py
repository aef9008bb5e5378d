"""Constants of the engine in the browser are those of Python."""

from importlib import import_module
from typing import Any

import numpy as np
import pytest

from export.optimizer import formulas, history
from lightstyle import contract, step_contract
from lightstyle.engine.plan import HISTORIES
from lightstyle.engine.provider import Provider
from lightstyle.images import bare
from lightstyle.settings.settings import CONTENT_WEIGHT, STYLE_WEIGHT
from lightstyle.site.devices import DEVICES
from tests.support.node import answer, needs_node

#: Where Python has what the groups of constants.js have; some are private there.
MODULES = {
    "images": (
        *("images.pillow_guard", "images.reducing"),
        *("images.color", "images.metadata"),
    ),
    "frame": ("images.frame",),
    "oklab": ("images.oklab",),
    "palettes": ("images.palettes",),
    "levels": ("transfer.levels",),
    "start": ("transfer.start",),
    "structure": ("transfer.structure", "losses.likeness"),
    "balance": ("transfer.balance",),
    "minimize": ("optimize.minimize",),
    "preconditioner": ("optimize.preconditioner",),
    "record": ("records.record",),
    "preview": ("service.recorder",),
}


@pytest.fixture(scope="module")
def constants() -> Any:
    return answer("return {...constants};", modules=("constants",))


def _found(modules: tuple[str, ...], name: str) -> list[Any]:
    """Values of the public constants of that name, or else of the private ones."""
    loaded = [import_module(f"lightstyle.{module}") for module in modules]
    public = [getattr(m, name) for m in loaded if hasattr(m, name)]
    private = [getattr(m, f"_{name}") for m in loaded if hasattr(m, f"_{name}")]
    return public or private


@needs_node
@pytest.mark.parametrize("group", MODULES)
def test_constants_of_a_group_are_pythons(group: str, constants: Any) -> None:
    for name, value in constants[group].items():
        (own,) = _found(MODULES[group], name)
        assert value == np.asarray(own).tolist(), name


@needs_node
def test_other_constants_are_pythons(constants: Any) -> None:
    assert constants["VERSION"] == contract.VERSION
    for name, value in constants["contract"].items():
        assert value == getattr(contract, name)
    whole = [history.pairs for history in HISTORIES if history.precision == "f4"]
    pairs = sorted({history.pairs for history in HISTORIES}, reverse=True)
    assert constants["plan"]["HISTORIES"] == pairs
    assert whole == pairs[:1]
    weights = {"CONTENT_WEIGHT": CONTENT_WEIGHT, "STYLE_WEIGHT": STYLE_WEIGHT}
    assert constants["settings"] == weights
    found = {**vars(history), **vars(formulas)}
    for name, value in constants["optimizer"].items():
        assert value == found[name], name
    largest = {name: device.largest for name, device in DEVICES.items()}
    assert constants["devices"] == {"LARGEST": largest}
    chunks = sorted(kind.decode() for kind in bare._PNG_METADATA)
    assert constants["bare"] == {"PNG_METADATA": chunks}
    assert constants["selfTest"] == {"TOLERANCE": Provider.tolerance}


@needs_node
def test_the_state_of_the_step_is_that_of_the_contract() -> None:
    made = answer("return [step.STATE, step.NUMBER_NAMES];", modules=("step",))
    assert made == [[*step_contract.STATE], [*step_contract.NUMBER_NAMES]]
