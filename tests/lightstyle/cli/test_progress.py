from types import SimpleNamespace
from typing import Any

import pytest

from lightstyle.cli.progress import status_line
from lightstyle.settings.settings import Settings

LEVELS = [*((24, 900.0), (24, 500.0), (24, 90.0)), *((48, 70.0), (48, 60.0), (48, 7.0))]


@pytest.mark.parametrize(
    ("evaluation", "line"),
    [
        (1, "1/6  level 1/2: loss 900"),
        (2, "2/6  level 1/2: loss 500"),
        (3, "3/6  level 1/2: loss 90, down 90.0 %  40 s left"),
        (4, "4/6  level 2/2: loss 70"),
        (5, "5/6  level 2/2: loss 60"),
        (6, "6/6  level 2/2: loss 7, down 90.0 %"),
    ],
)
def test_each_level_has_a_fall_of_its_own_and_none_when_it_begins(
    evaluation: int, line: str
) -> None:
    history = [
        SimpleNamespace(size=(side, side), total=total)
        for side, total in LEVELS[:evaluation]
    ]
    progress: Any = SimpleNamespace(
        history=history,
        losses=history[-1],
        evaluation=evaluation,
        settings=Settings(iterations=6),
        level=1 + evaluation // 4,
        levels=2,
        level_began=3 * (evaluation // 4),
        seconds_left=40.0,
    )
    assert status_line(progress) == line
