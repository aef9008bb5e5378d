from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from lightstyle.engine import self_test
from lightstyle.engine.providers import HOST
from lightstyle.engine.self_test import SIDE
from lightstyle.errors import ModelError

TOLERANCE = HOST.tolerance

_RANDOM = np.random.default_rng(0)
GRADIENT = _RANDOM.normal(size=(1, 3, SIDE, SIDE)).astype(np.float32)


def right(seed: int) -> dict[str, Any]:
    return {"gradient": GRADIENT + seed, "style_loss/conv1_1": 3.0 + seed}


def _changed(change: Callable[[Any], Any], name: str = "gradient") -> self_test.Work:
    def wrong(seed: int) -> dict[str, Any]:
        values = right(seed)
        values[name] = change(values[name])
        return values

    return wrong


def _bfloat16(values: Any) -> Any:
    return (values.view(np.uint32) & 0xFFFF0000).view(np.float32)


def _masked(values: Any) -> Any:
    return values * (_RANDOM.random(values.shape) < 0.012**2)


def _nan(values: Any) -> Any:
    return np.where(np.arange(SIDE) == 3, np.nan, values)


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        (_changed(lambda g: g / 2), "its gradient has 0.5 times the size"),
        (_changed(_masked), "its gradient has 0.0"),
        (_changed(_nan), "its gradient is not finite"),
        (_changed(_bfloat16), "its gradient differs from the CPU's by"),
        (_changed(lambda g: g[..., 1:]), "its gradient has the shape (1, 3, 32, 31)"),
        (
            _changed(lambda x: 1.002 * x, "style_loss/conv1_1"),
            "its style_loss/conv1_1 differs from the CPU's by 2.0e-03, at most 1e-03",
        ),
    ],
    ids=["half", "dead mask", "NaN", "bfloat16", "shape", "loss"],
)
def test_a_device_that_computes_something_else_is_refused_with_what(
    wrong: self_test.Work, words: str
) -> None:
    found = self_test.fault(wrong, right, TOLERANCE)
    assert found.startswith(words)
    assert "\n" not in found


def test_rounding_of_float32_is_no_fault() -> None:
    noisy = _changed(lambda g: g * (1 + 1e-6 * _RANDOM.normal(size=g.shape)))
    assert self_test.fault(noisy, right, TOLERANCE) == ""


def test_a_decision_that_fell_otherwise_on_one_picture_is_no_fault() -> None:
    def flipped(seed: int) -> dict[str, Any]:
        values = right(seed)
        if seed == 0:
            values["gradient"][0, 0, :3, :3] += 1
        return values

    assert self_test.difference(flipped(0), right(0), TOLERANCE)
    assert self_test.fault(flipped, right, TOLERANCE) == ""


def test_a_device_that_does_not_run_is_refused_with_its_reason() -> None:
    def fails(seed: int) -> dict[str, Any]:
        raise ModelError("no kernel for Conv")

    assert self_test.fault(fails, right, TOLERANCE) == "no kernel for Conv"


@pytest.mark.parametrize(
    ("seconds_at_least", "sides"), [(1.0, [SIDE]), (0.001, [SIDE, 256])]
)
def test_a_slow_device_is_timed_on_a_small_picture_only(
    monkeypatch: pytest.MonkeyPatch, seconds_at_least: float, sides: list[int]
) -> None:
    now, asked = 0.0, []

    def prepared(side: int) -> Callable[[], None]:
        asked.append(side)

        def evaluate() -> None:
            nonlocal now
            now += seconds_at_least * (side / SIDE) ** 2

        return evaluate

    monkeypatch.setattr(self_test, "perf_counter", lambda: now)
    assert self_test.rate(prepared) == pytest.approx(SIDE**2 / seconds_at_least)
    assert asked == sides
