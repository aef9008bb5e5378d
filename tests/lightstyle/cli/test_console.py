import sys

import pytest

from lightstyle.cli.console import Bar, columns, fail
from lightstyle.errors import ExitCode, ImageError


def test_a_table_has_aligned_columns(capsys: pytest.CaptureFixture[str]) -> None:
    columns([("a", "10", "first"), ("long", "5", "")], right=[1])
    assert capsys.readouterr().out == "a     10  first\nlong   5\n"


@pytest.mark.parametrize(("total", "printed"), [(3, 3), (100, 21), (10**7, 21)])
def test_a_bar_prints_a_few_lines_where_there_is_no_terminal(
    capsys: pytest.CaptureFixture[str], total: int, printed: int
) -> None:
    with Bar(total, lines=20) as bar:
        for done in range(1, total + 1, max(1, total // 1000)):
            bar.update(done, f"step {done}")
        bar.update(total, "all")
    lines = capsys.readouterr().err.splitlines()
    assert lines[0] == "step 1"
    assert abs(len(lines) - printed) <= 1
    assert len(lines) == len(set(lines))


def test_a_quiet_bar_prints_nothing(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    for terminal in (False, True):
        monkeypatch.setattr(sys.stderr, "isatty", lambda known=terminal: known)
        with Bar(2, quiet=True) as bar:
            bar.update(1, "half")
    assert capsys.readouterr().err == ""


@pytest.mark.parametrize(
    ("error", "line", "code"),
    [
        (ImageError("a.png:\n  broken"), "error: a.png: broken", ExitCode.IMAGE),
        (KeyboardInterrupt(), "interrupted", ExitCode.INTERRUPTED),
        (MemoryError(), "error: out of memory: choose a smaller", ExitCode.TRANSFER),
        (KeyError("x"), "error: this is a bug in lightstyle: KeyError", ExitCode.BUG),
    ],
)
def test_every_error_is_one_line_and_a_code(
    capsys: pytest.CaptureFixture[str], error: BaseException, line: str, code: ExitCode
) -> None:
    assert fail(error) is code
    (printed,) = capsys.readouterr().err.splitlines()
    assert printed.startswith(line)
