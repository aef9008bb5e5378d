"""Requests that no machine could fulfil end at once, and say what to lower."""

from pathlib import Path

import pytest

from lightstyle.errors import ExitCode
from tests.conftest import Runner

STYLIZE = ["stylize", "content.png", "style.png", "--enlarge", "-o", "out.png"]
TEXTURE = ["texture", "style.png", "-o", "out.png"]


@pytest.mark.parametrize(
    ("command", "size", "words"),
    [
        (TEXTURE, "1000000000x1000000000", "at most 1000000"),
        (TEXTURE, f"{'9' * 5000}x64", "needs WIDTHxHEIGHT"),
        (TEXTURE, "1000000x1000000", "needs at least"),
        (STYLIZE, "1000000000", "at most 1000000"),
        (STYLIZE, "1000000", "needs at least"),
    ],
)
def test_a_size_beyond_all_memory_is_refused(
    run: Runner, studio: Path, command: list[str], size: str, words: str
) -> None:
    done = run(*command, "--size", size)
    assert done.code == ExitCode.USAGE
    (line,) = done.lines
    assert words in line
    assert not Path("out.png").exists()
