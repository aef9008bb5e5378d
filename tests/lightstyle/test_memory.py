import json

import pytest

from lightstyle import contract, memory
from lightstyle.errors import ModelError, UsageError
from lightstyle.memory import Costs, choose

COSTS = Costs(
    whole=2000,
    kept=200,
    forward={1: 800, 2: 4000, 3: 9000, 4: 20000, 5: 16000},
    backward={1: 1400, 2: 5000, 3: 12000, 4: 26000, 5: 20000},
    work={1: 38e3, 2: 55e3, 3: 129e3, 4: 129e3, 5: 18e3},
)
GB = 10**9
HELD = 300 * 10**6
SIZES_GB = (8, 5, 3.3, 2.9)


def test_a_small_picture_is_computed_whole() -> None:
    layout = choose(COSTS, 4 * GB, HELD, 512, 512)
    assert layout.plan is None
    assert layout.history == memory.HISTORIES[0]


def test_less_memory_means_narrower_strips_then_less_history() -> None:
    layouts = [choose(COSTS, int(size * GB), HELD, 2048, 2048) for size in SIZES_GB]
    lines = [layout.plan.lines for layout in layouts if layout.plan is not None]
    assert len(lines) == 4
    histories = [layout.history for layout in layouts]
    assert histories == sorted(histories, reverse=True)
    assert histories[-1] < histories[0]
    for layout, size in zip(layouts, SIZES_GB, strict=True):
        assert layout.memory <= size * GB


def test_what_cannot_be_met_is_refused_with_what_could_be() -> None:
    with pytest.raises(UsageError, match="but 1024x1024 takes") as caught:
        choose(COSTS, 400 * 10**6, HELD, 1024, 1024)
    needed = float(str(caught.value).split("takes ")[1].split(" GB")[0])
    assert choose(COSTS, int(needed * 1.01 * GB), HELD, 1024, 1024).plan is not None


def test_a_model_without_parts_is_computed_whole() -> None:
    assert choose(None, 1, HELD, 4096, 4096).plan is None


@pytest.mark.parametrize(
    ("text", "size"),
    [
        ("auto", None),
        (None, None),
        ("2GB", 2 * GB),
        ("1.5g", 3 * GB // 2),
        ("800M", 800 * 10**6),
    ],
)
def test_sizes_are_read(text: str | None, size: int | None) -> None:
    assert memory.parse(text) == size


@pytest.mark.parametrize("text", ["much", "-1GB", "2 apples", "", "GB"])
def test_what_is_no_size_is_refused(text: str) -> None:
    with pytest.raises(UsageError, match="expected auto or a size such as 2GB"):
        memory.parse(text)


def test_costs_come_from_metadata() -> None:
    sweeps = {"forward": [1, 2], "backward": [3, 4], "work": [5, 6]}
    text = json.dumps({"whole": 5.0, "kept": 6.0, **sweeps})
    assert Costs.parse({contract.META_COSTS: text}) == Costs(
        5.0, 6.0, {1: 1.0, 2: 2.0}, {1: 3.0, 2: 4.0}, {1: 5.0, 2: 6.0}
    )
    assert Costs.parse({}) is None
    with pytest.raises(ModelError, match="damaged"):
        Costs.parse({contract.META_COSTS: text[:20]})


def test_this_process_holds_something() -> None:
    assert 10**6 < memory.resident() < 10**12
    assert memory.available() > 0
