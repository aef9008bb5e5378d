"""Failures lists that strangers wrote."""

import json
import re
import tracemalloc
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from lightstyle.errors import ExitCode, UsageError
from lightstyle.jobs import failures
from lightstyle.jobs.failures import Failure
from tests.conftest import Runner
from tests.support.hostile import spoiled

#: Longest line that is told.
LONGEST = 400

#: An entry of a list that `failures.write` could have written.
ENTRY = json.loads(str(Failure(Path("/a/b.png"), Path("/a"), ExitCode.IMAGE, "why")))


def _said(text: str) -> str:
    """What is said of a list with one line; nothing if it is read."""
    Path("failed.jsonl").write_text(f"{text}\n", "utf-8")
    try:
        failures.read(Path("failed.jsonl"))
    except UsageError as error:
        return str(error)
    return ""


@pytest.fixture(autouse=True)
def _here(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)


def test_whatever_stands_in_an_entry_it_is_refused_in_one_short_line() -> None:
    assert not _said(json.dumps(ENTRY))
    refused = 0
    for place, values in spoiled(ENTRY):
        said = _said(json.dumps(values))
        if place == ("reason",) and isinstance(values.get("reason"), str) and not said:
            continue  # any text will do
        refused += 1
        assert said.startswith("list failed.jsonl, line 1: not an entry"), place
        assert said.endswith("give a file that --failures wrote")
        assert len(said) < LONGEST
        assert said.isprintable()
    assert refused > 60


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"picture": 5}, "it.picture is 5, expected a path"),
        ({"picture": "\ud800"}, r"it.picture is '\ud800', expected a path"),
        ({"root": "/a/\ud800"}, r"it.root is '/a/\ud800', expected a path"),
        ({"code": 10**43}, "it.code is 1000000"),
        ({"code": 3.5}, "it.code is 3.5, expected a whole number"),
        ({"code": True}, "it.code is True"),
        ({"code": -1}, "it.code is -1"),
        ({"reason": None}, "it.reason is None, expected a text"),
        ({"reason": "x" * 50_000}, "it.reason is 'xxx"),
        ({"reason": [[[["x"]]]]}, "it.reason is [[[["),
        ({"漢" * 3000: 1}, "it has an unknown 漢漢"),
        ({"\x1b[2J": 1}, "it has an unknown ?[2J"),
    ],
)
def test_what_is_wrong_with_an_entry_is_named(
    change: dict[str, Any], words: str
) -> None:
    said = _said(json.dumps(ENTRY | change))
    assert words in said
    assert len(said) < LONGEST


@pytest.mark.parametrize(
    "text",
    [
        "[" * 99_999,
        '{"picture": ' * 5_000,
        "9" * 5_000,
        '{"picture": NaN}',
        "x" * 10**6,
        "\ud7ff" * 2_000,
        '{"picture": "/a", "picture": 5}',
    ],
)
def test_a_line_that_is_no_entry_is_refused_in_one_short_line(text: str) -> None:
    said = _said(text)
    assert said.startswith("list failed.jsonl, line 1: not an entry")
    assert len(said) < LONGEST


def test_the_line_is_named_that_is_wrong_and_nothing_is_painted(run: Runner) -> None:
    Image.new("RGB", (40, 40)).save("style.png")
    good = json.dumps(ENTRY)
    Path("failed.jsonl").write_text(f"{good}\n\n{good}\n{{}}\n")
    done = run("batch", "failed.jsonl", "style.png", "-o", "out")
    assert done.code == ExitCode.USAGE
    (line,) = done.lines
    assert re.match("error: list failed.jsonl, line 4: not an entry", line)
    assert not Path("out").exists()


def test_a_huge_list_is_refused_before_it_is_read(tmp_path: Path) -> None:
    path = tmp_path / "failed.jsonl"
    with path.open("wb") as file:
        file.truncate(10**10)
    with pytest.raises(UsageError, match="more than 64 MB; give a file that --fail"):
        failures.read(path)


def test_lines_that_are_no_entries_take_no_memory(tmp_path: Path) -> None:
    path = tmp_path / "many.jsonl"
    path.write_bytes(b"ab\n" * 2_000_000)  # a text of each would take 140 MB
    tracemalloc.start()
    with pytest.raises(UsageError, match="line 1: not an entry"):
        failures.read(path)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 100e6
