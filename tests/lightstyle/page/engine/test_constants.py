"""Constants of the engine in the browser are those of Python."""

from importlib import import_module
from typing import Any

import pytest

from lightstyle import contract
from lightstyle.engine.plan import HISTORIES
from lightstyle.engine.provider import Provider
from lightstyle.settings.settings import CONTENT_WEIGHT, STYLE_WEIGHT
from tests.support.node import answer, needs_node

#: Where Python has what the groups of constants.js have; some are private there.
MODULES = {
    "images": (
        *("images.pillow_guard", "images.reducing"),
        *("images.color", "images.metadata"),
    ),
    "frame": ("images.frame",),
    "levels": ("transfer.levels",),
    "start": ("transfer.start",),
    "structure": ("transfer.structure", "losses.likeness"),
    "balance": ("transfer.balance",),
    "minimize": ("optimize.minimize",),
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
        assert value == (list(own) if isinstance(own, tuple) else own), name


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
    assert constants["selfTest"] == {"TOLERANCE": Provider.tolerance}
