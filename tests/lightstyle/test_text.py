import codecs

import numpy as np
import pytest

from lightstyle.errors import UsageError, describe
from lightstyle.text import LONGEST_MESSAGE, decoded, one_line, printable, shown


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
    assert len(shown(value)) <= 103


@pytest.mark.parametrize("text", ["\x1b]0;owned\x07", "\x9b2J", "\u202e", "\ud800"])
def test_no_control_character_and_no_escape_is_printed(text: str) -> None:
    assert printable(f"a{text}b").isprintable()
    line, _ = describe(UsageError(f"a{text}b"))
    assert line.isprintable()


def test_the_middle_of_a_long_line_is_left_out() -> None:
    line, _ = describe(UsageError("begin" + "x" * 100_000 + "; do this"))
    assert len(line) <= LONGEST_MESSAGE + 3
    assert line.startswith("beginx")
    assert line.endswith("x; do this")


@pytest.mark.parametrize(
    ("mark", "encoding"),
    [
        (b"", "utf-8"),
        (codecs.BOM_UTF8, "utf-8"),
        (codecs.BOM_UTF16_LE, "utf-16-le"),
        (codecs.BOM_UTF16_BE, "utf-16-be"),
        (codecs.BOM_UTF32_LE, "utf-32-le"),
        (codecs.BOM_UTF32_BE, "utf-32-be"),
    ],
)
def test_a_byte_order_mark_tells_the_encoding(mark: bytes, encoding: str) -> None:
    text = 'init = "漢字.png"\r\n'
    assert decoded(mark + text.encode(encoding)) == text


@pytest.mark.parametrize("data", [b"\xff", b"\xff\xfea", codecs.BOM_UTF8 + b"\xe4"])
def test_what_is_no_text_is_a_value_error(data: bytes) -> None:
    with pytest.raises(ValueError, match="codec can't decode"):
        decoded(data)


def test_names_keep_every_space_and_lose_what_terminals_act_on() -> None:
    name = "1.00\u202fPM  \u3000漢字 🎨.png"
    assert printable(name) == name
    assert printable("a\x1b[1mb\u202ec\udcffd\nf") == "a?[1mb?c\ufffdd?f"


def test_lines_become_one() -> None:
    assert one_line("a\n  b\r\n\u2028c  d\x1b") == "a b  c  d?"
