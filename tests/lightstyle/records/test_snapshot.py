import json
import re
import tracemalloc
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import lightstyle
from lightstyle import Model
from lightstyle.contract import LAYERS
from lightstyle.errors import CheckpointError, UsageError
from lightstyle.records import archive
from lightstyle.records.checkpoint import LoadedCheckpoint
from lightstyle.records.snapshot import MOST_VALUES, Snapshot
from lightstyle.settings.fields import MOST_ITERATIONS
from tests.support.checkpoints import interrupted
from tests.support.hostile import spoiled

Values = dict[str, Any]
Change = Callable[[Values, Values], object]


@pytest.fixture
def path(folder: Path, model: Model) -> Path:
    """A checkpoint that has no previous one."""
    path = interrupted(model)
    archive.previous(path).unlink()
    return path


def _contents(path: Path) -> tuple[Values, Mapping[str, Any]]:
    snapshot = LoadedCheckpoint.newest(path).snapshot
    return json.loads(str(snapshot)), {
        n: np.array(a) for n, a in snapshot.arrays.items()
    }


def _refused(path: Path, model: Model, text: str, arrays: Mapping[str, Any]) -> str:
    archive.write(path, text, arrays)
    archive.previous(path).unlink(missing_ok=True)
    with pytest.raises(CheckpointError) as caught:
        lightstyle.resume(path, model=model)
    assert "\n" not in str(caught.value)
    return str(caught.value)


CHANGES: Mapping[str, Change] = {
    "lacks level": lambda values, _: values.pop("level"),
    "lacks total": lambda values, _: values["history"][0].pop("total"),
    "unknown brush": lambda values, _: values.update(brush=1),
    "unknown name": lambda values, _: values["origin"]["model"].update(name="x"),
    "level is '0', expected a whole number": lambda v, _: v.update(level="0"),
    "level is True, expected a whole number": lambda v, _: v.update(level=True),
    "elapsed is None, expected a number": lambda v, _: v.update(elapsed=None),
    "history is {}, expected a list": lambda v, _: v.update(history={}),
    r"inputs is \[\], expected an object": lambda v, _: v["origin"].update(inputs=[]),
    "job is .paint., expected stylize": lambda v, _: v["origin"].update(job="paint"),
    "cannot have content": lambda v, _: v["origin"].update(style=None),
    "style is 5": lambda v, _: v["origin"].update(style=5),
    "size": lambda v, _: v["origin"]["settings"].update(size="48"),
    "settings are incomplete": lambda v, _: v["origin"]["settings"].pop("size"),
    "brush is no setting": lambda v, _: v["origin"]["settings"].update(brush=1),
    "execution plan": lambda v, _: v["plans"].update(a=1),
    "no level 7": lambda v, _: v.update(level=7),
    "level is -1, expected a whole number": lambda v, _: v.update(level=-1),
    "evaluations is 99, expected at most": lambda v, _: v.update(evaluations=99),
    "expected at most the length of history, 0": lambda v, _: v.update(history=[]),
    "optimiser's state": lambda v, _: v["optimizer"].pop("step"),
    "optimiser's state ": lambda _, arrays: arrays.pop("optimizer.steps"),
    "'other'\\], expected best": lambda _, arrays: arrays.update(other=np.zeros(3)),
    "expected best ": lambda values, _: values.update(optimizer=None),
    "expected best": lambda _, arrays: arrays.pop("best"),
    "size of its level": lambda _, arrays: arrays.update(best=np.zeros(3)),
    "size of its level ": lambda _, a: a.update(level_start=np.zeros((1, 3, 2, 2))),
    "some values of best are not finite": lambda _, a: a["best"].fill(np.nan),
    "pairs of the optimiser": lambda v, _: v["optimizer"].update(pairs=99),
    "pairs of the optimiser ": lambda _, a: a.update(
        {"optimizer.scales": np.ones((2, 10**6))}
    ),
    "pairs of the optimiser  ": lambda _, a: a["optimizer.products"].fill(0),
    "optimizer.trials is": lambda v, _: v["optimizer"].update(trials=10**43),
    "keeps no state": lambda v, _: v["origin"]["settings"].update(optimizer="lbfgsb"),
    "elapsed is": lambda v, _: v.update(elapsed=1e300),
    "does not have": lambda _, a: a.update({"optimizer.point": np.zeros(3)}),
}


@pytest.mark.parametrize("message", CHANGES)
def test_what_is_not_a_snapshot_is_refused_in_one_line(
    path: Path, model: Model, message: str
) -> None:
    values, arrays = _contents(path)
    changed = dict(arrays)
    CHANGES[message](values, changed)
    said = _refused(path, model, json.dumps(values), changed)
    assert re.search(message.rstrip(), said), said


@pytest.mark.parametrize("text", ["", "nonsense", "[" * 99999, "[]", "1", '"a"'])
def test_what_is_not_an_object_is_refused_in_one_line(
    path: Path, model: Model, text: str
) -> None:
    assert "unusable" in _refused(path, model, text, {})


def test_another_schema_is_for_another_version(path: Path, model: Model) -> None:
    values, arrays = _contents(path)
    said = _refused(path, model, json.dumps(values | {"schema": 9}), arrays)
    assert "schema 9, expected 4" in said


def test_a_snapshot_is_read_back_as_it_was(path: Path) -> None:
    first = LoadedCheckpoint.newest(path).snapshot
    archive.write(Path("again"), str(first), first.arrays)
    again = LoadedCheckpoint.newest("again").snapshot
    assert str(again) == str(first)
    assert again.origin == first.origin
    assert again.history == first.history
    assert len(again.history) == 9
    assert again.arrays.keys() == first.arrays.keys()


def test_whatever_stands_in_a_snapshot_it_is_refused_in_one_short_line(
    path: Path,
) -> None:
    values, arrays = _contents(path)
    values["history"] = values["history"][:1]
    values["evaluations"] = 1
    Snapshot.parse(json.dumps(values), arrays)
    refused = []
    for _, hostile in spoiled(values):
        try:
            Snapshot.parse(json.dumps(hostile), arrays)
        except (ValueError, UsageError) as error:
            refused.append(str(error))
    assert len(refused) > 1000
    assert all(line.isprintable() for line in refused)
    assert max(map(len, refused)) < 1000


def test_millions_of_tiny_lists_take_no_memory(path: Path, model: Model) -> None:
    values, arrays = _contents(path)
    text = json.dumps({**values, "history": 0})
    for many in ("[" + "[]," * 2_500_000 + "[]]", "[" + "0," * 5_000_000 + "0]"):
        tracemalloc.start()
        said = _refused(path, model, text.replace('"history": 0', many), arrays)
        _, peak = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        assert "more than 4500000 values" in said
        assert peak < 10 * len(many)


def test_a_long_run_has_as_many_values_as_it_needs(path: Path) -> None:
    """The most evaluations with the most layers, from a thousandth of them."""
    values, _ = _contents(path)
    kinds = ("content", "style")
    names = [f"{kind}_loss/{layer}" for kind in kinds for layer in LAYERS]
    one = values["history"][0]
    one["terms"] = dict.fromkeys([*names, "tv_loss"], -1.2345678901234567e-123)
    history = json.dumps([one] * (MOST_ITERATIONS // 1000))
    values["history"] = 0
    rest = json.dumps(values)
    needed = sum(history.count(each) for each in "[{,") * 1000
    assert needed + len(rest) < MOST_VALUES
    assert 1000 * len(history) + len(rest) < archive.LONGEST_TEXT
