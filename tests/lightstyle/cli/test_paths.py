from pathlib import Path

import pytest

from lightstyle import Progress
from lightstyle.cli.progress import StopSignal
from lightstyle.errors import ExitCode
from tests.conftest import Runner
from tests.support.picture_files import size_of

QUICK = ["--size", "48", "--iterations", "4"]


STYLIZE = ["stylize", "content.png", "style.png", *QUICK, "--quiet"]


def test_a_result_without_a_name_never_replaces_another(
    run: Runner, studio: Path
) -> None:
    for _ in range(3):
        assert run(*STYLIZE).code == 0
    (studio / "results").mkdir()
    for _ in range(2):
        assert run(*STYLIZE, "-o", "results").code == 0
    assert run("texture", "style.png", "--size=40x40", "--iterations=2").code == 0
    assert run("content", "content.png", *QUICK).code == 0
    made = {str(p.relative_to(studio)) for p in studio.rglob("*.png")}
    assert made == {
        *("content.png", "style.png", "style-texture.png", "content-content.png"),
        *("content-style.png", "content-style-2.png", "content-style-3.png"),
        *("results/content-style.png", "results/content-style-2.png"),
    }


def test_a_folder_that_is_not_there_is_said_to_be_missing(
    run: Runner, studio: Path
) -> None:
    done = run(*STYLIZE, "-o", "results/")
    assert done.code == ExitCode.USAGE
    assert "-o results: there is no such folder; create it first" in done.lines[0]


def test_a_result_lies_beside_its_content(run: Runner, studio: Path) -> None:
    (studio / "photos").mkdir()
    Path("content.png").rename("photos/content.png")
    done = run("stylize", "photos/content.png", "style.png", *QUICK)
    assert "photos/content-style.png: 48x32" in done.lines[-1]
    assert size_of("photos/content-style.png") == (48, 32)


def test_a_name_that_was_taken_during_the_run_is_not_replaced(
    run: Runner, studio: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def taken(progress: Progress) -> None:
        Path("content-style.png").write_bytes(b"somebody else's")

    monkeypatch.setattr(StopSignal, "__call__", lambda _, progress: taken(progress))
    done = run("stylize", "content.png", "style.png", *QUICK)
    assert "content-style-2.png: 48x32" in done.lines[-1]
    assert Path("content-style.png").read_bytes() == b"somebody else's"


def test_a_blend_that_nobody_asked_for_is_announced(run: Runner, studio: Path) -> None:
    Path("second.png").write_bytes(Path("style.png").read_bytes())
    blend = ["stylize", "content.png", "style.png", "second.png", *QUICK]
    done = run(*blend)
    assert done.code == 0
    assert "content-blend.png" in done.lines[-1]
    (line,) = [line for line in done.lines if line.startswith("note: ")]
    assert "style.png, second.png are styles, blended equally" in line
    assert "lightstyle batch" in line
    asked = run(*blend, "--blend", "1,1")
    assert not any(line.startswith("note: ") for line in asked.lines)
    assert run(*blend, "--quiet").lines == []


def test_photographs_of_a_pattern_are_not_taken_as_styles(
    run: Runner, studio: Path
) -> None:
    photos = [f"photos/{number}.png" for number in range(3)]
    Path("photos").mkdir()
    for path in photos:
        Path(path).write_bytes(Path("content.png").read_bytes())
    done = run("stylize", *photos, "style.png", *QUICK)
    assert done.code == ExitCode.USAGE
    (line,) = done.lines
    assert "got 3 styles, 2 of them from the folder of the content" in line
    assert "lightstyle batch" in line
    assert run("stylize", *photos, "style.png", "--blend=1,1,1", *QUICK).code == 0


def test_a_result_from_stdin_needs_a_name(run: Runner, studio: Path) -> None:
    done = run("stylize", "-", "style.png")
    assert done.code == ExitCode.USAGE
    assert done.lines == [
        "error: content comes from a pipe: name the picture to write with -o"
    ]
