import os
from pathlib import Path

import pytest

from lightstyle.errors import ExitCode
from tests.conftest import Runner
from tests.support.folders import QUICK, draw

BATCH = ["batch", "photos", "style.png", "-o", "out"]
MAPS = ["--regions", "content.png", "style.png"]
SHEET = ["sheet", "content.png", "style.png", "-o", "sheet.png"]


def _batch(*options: str) -> list[str]:
    return [*BATCH, *QUICK, *options]


def _sheet(*vary: str) -> list[str]:
    return [*SHEET, "--size", "48", *(f"--vary={each}" for each in vary)]


CASES: dict[str, tuple[list[str], ExitCode, str]] = {
    "no workers": (_batch("--workers", "0"), ExitCode.USAGE, "workers is 0"),
    "too many workers": (_batch("--workers", "3"), ExitCode.USAGE, "expected 1 to 2"),
    "missing style": (
        ["batch", "photos", "no.png", "-o", "out"],
        ExitCode.IMAGE,
        "style no.png",
    ),
    "style from stdin": (
        ["batch", "photos", "-", "-o", "out"],
        ExitCode.USAGE,
        "style -",
    ),
    "missing folder": (
        ["batch", "phots", "style.png", "-o", "out"],
        ExitCode.IMAGE,
        "no such folder",
    ),
    "empty folder": (
        ["batch", "empty", "style.png", "-o", "out"],
        ExitCode.IMAGE,
        "no pictures found",
    ),
    "empty pattern": (
        ["batch", "photos/*.tif", "style.png", "-o", "out"],
        ExitCode.IMAGE,
        "no pictures found",
    ),
    "one picture": (
        ["batch", "content.png", "style.png", "-o", "out"],
        ExitCode.USAGE,
        "'photos/*.jpg'",
    ),
    "one result for two": (
        ["batch", "twins", "style.png", "-o", "out"],
        ExitCode.USAGE,
        "would both become out/a.png",
    ),
    "result that is a content": (
        ["batch", "nest/nest", "style.png", "-o", "nest"],
        ExitCode.USAGE,
        "itself to be painted",
    ),
    "the folder itself": (
        ["batch", "photos", "style.png", "-o", "photos"],
        ExitCode.USAGE,
        "is the folder of the pictures",
    ),
    "output is a file": (
        ["batch", "photos", "style.png", "-o", "content.png"],
        ExitCode.OUTPUT,
        "this is a file",
    ),
    "output below a file": (
        ["batch", "photos", "style.png", "-o", "content.png/out"],
        ExitCode.OUTPUT,
        "cannot create folder",
    ),
    "output below 2000 folders": (
        ["batch", "photos", "style.png", "-o", "x/" * 2000],
        ExitCode.OUTPUT,
        "cannot create folder",
    ),
    "stdout": (["batch", "photos", "style.png", "-o", "-"], ExitCode.USAGE, "folder"),
    "odd bits": (_batch("--bits", "7"), ExitCode.USAGE, "7 bits"),
    "shares of other styles": (_batch("--blend", "1,2"), ExitCode.USAGE, "blend"),
    "refused setting": (_batch("--size", "8"), ExitCode.USAGE, "size is 8"),
    "masks of other styles": (
        _batch("--content-mask", "all", "--content-mask", "all"),
        ExitCode.USAGE,
        "got 2 content masks for 1 style: give one per style",
    ),
    "style mask that is none": (
        _batch("--style-mask", "content.png"),
        ExitCode.IMAGE,
        "style-mask content.png is coloured",
    ),
    "maps of two styles": (
        ["batch", "photos", *["style.png"] * 2, "-o", "out", *MAPS],
        ExitCode.USAGE,
        "got 2 styles for --regions, which takes one",
    ),
    "missing model": (_batch("--model", "no.onnx"), ExitCode.MODEL, "no.onnx"),
    "list with another suffix": (
        _batch("--failures", "failed.txt"),
        ExitCode.USAGE,
        "the suffix must be .jsonl",
    ),
    "list that is something else": (
        _batch("--failures", "log.jsonl"),
        ExitCode.USAGE,
        "log.jsonl, line 1",
    ),
    "list to watch": (
        ["batch", "log.jsonl", "style.png", "-o", "out", "--watch"],
        ExitCode.USAGE,
        "--watch needs a folder",
    ),
    "no setting": (_sheet("stile-weight=1"), ExitCode.USAGE, "mean style-weight?"),
    "no equals sign": (_sheet("style-weight"), ExitCode.USAGE, "no = in it"),
    "no value": (_sheet("style-weight=,"), ExitCode.USAGE, "no value after"),
    "value of another kind": (_sheet("seed=1,x"), ExitCode.USAGE, "a whole number"),
    "neither true nor false": (_sheet("enlarge=2"), ExitCode.USAGE, "true or false"),
    "refused value": (_sheet("style-weight=1,-1"), ExitCode.USAGE, "style-weight is"),
    "unknown layer": (_sheet("content-layers=conv9_1"), ExitCode.USAGE, "conv9_1"),
    "varied twice": (_sheet("seed=1", "seed=2"), ExitCode.USAGE, "given twice"),
    "values that do not go together": (
        _sheet("color=style,match-style", "colors-of=style.png"),
        ExitCode.USAGE,
        "colors-of",
    ),
    "missing palette": (
        _sheet("color=match-style", "colors-of=no.png"),
        ExitCode.IMAGE,
        "colors-of no.png",
    ),
    "sheet too large": (
        _sheet("size=20000", "enlarge=true"),
        ExitCode.USAGE,
        "megapixels",
    ),
    "sheet over the content": (
        ["sheet", "content.png", "style.png", "-o", "content.png", "--vary=seed=1"],
        ExitCode.OUTPUT,
        "it is an input",
    ),
    "sheet of no format": (
        ["sheet", "content.png", "style.png", "-o", "sheet.xyz", "--vary", "seed=1"],
        ExitCode.USAGE,
        "suffix",
    ),
    "sheet of stdin": (
        ["sheet", "-", "style.png", "-o", "sheet.png", "--vary", "seed=1"],
        ExitCode.USAGE,
        "content -",
    ),
    "sheet to stdout": (
        ["sheet", "content.png", "style.png", "-o", "-", "--vary", "seed=1"],
        ExitCode.USAGE,
        "-o -",
    ),
}


@pytest.fixture
def folders(studio: Path) -> Path:
    draw(studio / "photos/a.png", 1)
    draw(studio / "twins/a.png", 1)
    draw(studio / "twins/a.gif", 2)
    draw(studio / "nest/nest/a.png", 1)
    draw(studio / "nest/nest/nest/a.png", 1)
    (studio / "empty").mkdir()
    (studio / "log.jsonl").write_text('{"evaluation": 1}\n')
    return studio


@pytest.mark.parametrize("name", CASES)
def test_it_ends_in_one_line_a_code_and_no_new_file(
    run: Runner, folders: Path, name: str
) -> None:
    arguments, code, words = CASES[name]
    before = {path: path.stat().st_mtime_ns for path in folders.rglob("*.*")}
    done = run(*arguments, "--quiet")
    assert done.code == code
    assert len(done.lines) == 1
    assert done.lines[0].startswith("error: ")
    assert words in done.lines[0]
    assert done.out == ""
    after = {path: path.stat().st_mtime_ns for path in folders.rglob("*.*")}
    assert before == after


def test_a_model_that_workers_cannot_load_ends_the_batch(
    run: Runner, folders: Path
) -> None:
    done = run(*_batch("--workers", "2", "--model", "no.onnx", "--quiet"))
    assert done.code == ExitCode.MODEL
    assert len(done.lines) == 1
    assert done.out == ""


def test_names_of_any_bytes_stay_on_one_line(run: Runner, folders: Path) -> None:
    draw(folders / "photos" / "two\nlines.png", 3)
    draw(folders / "photos" / os.fsdecode(b"\xff.png"), 4)
    (folders / "photos" / os.fsdecode(b"\xfe\n.png")).write_bytes(b"broken")
    done = run(*_batch("--failures", "failed.jsonl"))
    assert done.code == ExitCode.SOME_FAILED
    assert len(done.out.splitlines()) == 5
    assert len(done.lines) == 6
    assert len([*Path("out").iterdir()]) == 3
    assert len(Path("failed.jsonl").read_text("ascii").splitlines()) == 1
