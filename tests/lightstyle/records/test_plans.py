import json
from dataclasses import replace
from typing import Any

import pytest

from lightstyle.records import plans
from tests.lightstyle.engine.test_plan import GB, choose

SIDE = 2048
CUT = choose(4 * GB, (SIDE, SIDE))
WHOLE = choose(40 * GB, (SIDE, SIDE))


def test_a_description_says_all_that_decides_a_computation() -> None:
    assert WHOLE.tiling is None
    assert CUT.tiling is not None
    whole, cut = (
        plans.parse(json.loads(json.dumps(plans.as_dict(plan))))
        for plan in (WHOLE, CUT)
    )
    assert whole.tiling is None
    assert cut.tiling == CUT.tiling
    assert [whole.history, cut.history] == [WHOLE.history, CUT.history]


def test_a_description_says_how_many_bands_there_are() -> None:
    assert CUT.tiling is not None
    banded = replace(CUT, tiling=replace(CUT.tiling, bands=3))
    described = json.loads(json.dumps(plans.as_dict(banded)))
    assert plans.parse(described).tiling == banded.tiling


def test_a_description_of_an_old_version_has_no_bands_and_keeps_nothing() -> None:
    assert CUT.tiling is not None
    old = replace(CUT, tiling=replace(CUT.tiling, keeps=False))
    described = plans.as_dict(old)
    del described["strips"]["bands"], described["strips"]["keeps"]
    assert plans.parse(described).tiling == old.tiling


def _described(**changes: Any) -> dict[str, Any]:
    described = plans.as_dict(CUT)
    return {**described, "strips": {**described["strips"], **changes}}


@pytest.mark.parametrize(
    "values",
    [
        None,
        [],
        {},
        {"history": "many", "strips": None},
        {"history": {"pairs": 20, "precision": "f4"}, "strips": 5},
        {"history": {"pairs": float("inf"), "precision": "f4"}, "strips": None},
        _described(forward=None),
        _described(forward=["64"] * 5),
        _described(forward=[64.5] * 5),
        _described(forward=[65] * 5),
        _described(forward=[2] * 5),
        _described(forward=[64] * 6),
        _described(backward=[8] * 5),
        _described(backward=[1 << 40] * 5),
        _described(bands=-1),
        _described(bands=1 << 40),
        _described(bands=True),
    ],
)
def test_what_is_no_description_is_refused(values: Any) -> None:
    with pytest.raises(ValueError, match=r"\w"):
        plans.parse(values)
