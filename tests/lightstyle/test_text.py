import numpy as np
import pytest

from lightstyle.errors import UsageError, describe
from lightstyle.text import LONGEST, printable, shown


class _Broken:
    def __repr__(self) -> str:
        raise RuntimeError


@pytest.mark.parametrize(
    ("value", "words"),
    [
        ("a", "'a'"),
        ("\x1b[2J\n", r"'\x1b[2J\n'"),
        ([[[[[[[[1]]]]]]]], "[[[[[[[...]]]]]]]"),
        (_Broken(), "<_Broken instance at"),
        (np.zeros((2, 2)), "array([[0., 0.], [0., 0.]])"),
        ("\ud800", r"'\ud800'"),
    ],
)
def test_a_value_is_shown_on_one_line(value: object, words: str) -> None:
    assert shown(value).startswith(words)


def test_a_number_that_python_does_not_write_is_told_by_its_length() -> None:
    assert shown(10**5000) == "a number of 16610 bits"


@pytest.mark.parametrize("value", ["x" * 10**6, ["x" * 99] * 99, {"y" * 99: "z" * 99}])
def test_a_value_of_any_length_is_shown_in_a_few_words(value: object) -> None:
    assert len(shown(value)) <= 210


@pytest.mark.parametrize("text", ["\x1b]0;owned\x07", "\x9b2J", "\u202e", "\ud800"])
def test_no_control_character_and_no_escape_is_printed(text: str) -> None:
    assert printable(f"a{text}b").isprintable()
    line, _ = describe(UsageError(f"a{text}b"))
    assert line.isprintable()


def test_the_middle_of_a_long_line_is_left_out() -> None:
    line, _ = describe(UsageError("begin" + "x" * 100_000 + "; do this"))
    assert len(line) <= LONGEST + 3
    assert line.startswith("beginx")
    assert line.endswith("x; do this")
