"""The floors of `lightstyle` hold, and what holds them can tell when they do not."""

import pytest

from tests import floors


def test_no_import_runs_up_and_none_in_a_circle() -> None:
    graph = floors.imports()
    assert floors.upward(graph) == []
    assert floors.circles(graph) == []


def test_every_package_has_a_floor() -> None:
    named = {package for floor in floors.FLOORS for package in floor}
    folders = {name.partition(".")[0] for name in floors.modules() if "." in name}
    assert folders == named - {""}


@pytest.mark.parametrize(
    ("module", "target"),
    [
        ("engine.model", "transfer.run"),
        ("errors", "settings.settings"),
        ("zoo.registry", "losses.objective"),
        ("optimize.minimize", "engine.plan"),
        ("settings.settings", "cli.app"),
        ("cli.app", "__init__"),
    ],
)
def test_an_import_up_or_beside_is_found(module: str, target: str) -> None:
    assert floors.upward({module: {target}}) == [f"{module} -> {target}"]


@pytest.mark.parametrize(
    ("module", "target"),
    [
        ("engine.plan", "optimize.lbfgs"),
        ("transfer.run", "transfer.result"),
        ("__init__", "cli.app"),
        ("cli.app", "errors"),
    ],
)
def test_an_import_down_or_within_is_allowed(module: str, target: str) -> None:
    assert floors.upward({module: {target}}) == []


def test_a_circle_is_found_however_long() -> None:
    graph = {"a": {"b"}, "b": {"c"}, "c": {"a"}, "d": {"a"}}
    assert floors.circles(graph) == [["a", "b", "c"]]
