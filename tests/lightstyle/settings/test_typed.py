import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any

import pytest

from lightstyle.settings.scalars import number, path, whole
from lightstyle.settings.typed import loads, parse


@dataclass(frozen=True)
class Inner:
    name: str


@dataclass(frozen=True)
class Outer:
    count: Annotated[int, whole(0, 9)]
    share: Annotated[float, number(0, 1)] | None
    file: Annotated[str, path()] | tuple[str, ...]
    inner: Mapping[str, Inner]
    rest: dict[str, Any]


GOOD: dict[str, Any] = {
    "count": 3,
    "share": 1,
    "file": ["a", "b"],
    "inner": {"a": {"name": "b"}},
    "rest": {"c": [1]},
}


def test_values_become_what_the_annotations_say() -> None:
    assert parse(Outer, GOOD, "it", {}) == Outer(
        3, 1.0, ("a", "b"), {"a": Inner("b")}, {"c": [1]}
    )


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        ({"count": 10}, r"^it\.count is 10, expected a whole number .* at most 9$"),
        ({"count": 10**43}, r"^it\.count is 1000+, expected a whole number"),
        ({"count": 10**5000}, r"^it\.count is a number of \d+ bits, expected"),
        ({"count": True}, r"^it\.count is True, expected a whole number"),
        (
            {"share": math.nan},
            r"^it\.share is nan, expected a number of at least 0 and at most 1$",
        ),
        ({"file": "a\0"}, r"^it\.file is 'a\\x00', expected a path or a list$"),
        ({"file": "\ud800"}, "expected a path or a list$"),
        ({"file": ["x" * 10_001]}, "expected a path or a list$"),
        ({"inner": {"a": {}}}, r"^it\.inner\.a lacks name$"),
        ({"inner": {"a": {"name": "x" * 10_001}}}, r"^it\.inner\.a\.name is 'xxx"),
        ({"inner": {"x" * 10_001: 1}}, "^a key of it.inner is 'xxx"),
        ({"brush\x1b\n": 1}, r"^it has an unknown brush\?\?$"),
        ({"y" * 9999: 1}, "^it has an unknown y+ … y+$"),
    ],
)
def test_another_value_is_refused_by_name_in_few_words(
    change: dict[str, Any], problem: str
) -> None:
    with pytest.raises(ValueError, match=problem) as caught:
        parse(Outer, {**GOOD, **change}, "it", {})
    assert len(str(caught.value)) < 400
    assert str(caught.value).isprintable()


@pytest.mark.parametrize(
    "text",
    ["", "{", "[" * 100_000, '{"a":' * 30 + "1" + "}" * 30, "9" * 5000, " " * 200_000],
)
def test_text_that_is_no_json_too_deep_or_too_long_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r".") as caught:
        loads(text, 100_000)
    assert len(str(caught.value)) < 200


def test_more_values_than_allowed_are_refused_before_they_take_memory() -> None:
    assert loads("[[],[1,2]]", 100, 6) == [[], [1, 2]]
    for many in ("[" + "[]," * 999 + "[]]", "[" + "1," * 999 + "1]", "{" * 999):
        with pytest.raises(ValueError, match="more than 500 values"):
            loads(many, 100_000, 500)
