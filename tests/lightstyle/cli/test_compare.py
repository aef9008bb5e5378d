import json
import os
import shutil
from pathlib import Path

import pytest
from PIL import Image

from lightstyle.errors import ExitCode
from tests.conftest import Runner

PAIR = ["--content", "content.png", "--style", "style.png"]


def _numbers(out: str) -> dict[str, list[str]]:
    """Cells by the label of their line."""
    lines = [line for line in out.splitlines()[2:] if line]
    return {line[:14].strip(): line[14:].split() for line in lines}


def test_a_table_has_a_column_for_every_picture(run: Runner, studio: Path) -> None:
    done = run("compare", "content.png", "style.png", *PAIR)
    assert done.code == ExitCode.OK
    assert done.lines == ["measuring 2 pictures"]
    first, heading, *_ = done.out.splitlines()
    assert first.endswith("tiny.onnx")
    assert heading.split() == ["content.png", "style.png"]
    cells = _numbers(done.out)
    assert cells["size"] == ["60x40", "60x40"]
    assert cells["share"][0] == "0.000"
    assert cells["psnr"][0] == "inf"
    assert cells["ssim"][0] == "1.000"
    assert [f"w2 conv{k}_1" in cells for k in range(1, 6)] == [True] * 5
    assert max(map(len, done.out.splitlines()[1:])) <= 100


def test_pictures_of_different_sizes_are_noted(run: Runner, studio: Path) -> None:
    Image.new("RGB", (120, 80)).save("large.png")
    pictures = ["compare", "content.png", "large.png", *PAIR]
    (line,) = [line for line in run(*pictures).lines if line.startswith("note: ")]
    assert "differ in size" in line
    assert len(run(*pictures, "--size", "60").lines) == 1


def test_lines_without_numbers_are_left_out(run: Runner, studio: Path) -> None:
    cells = _numbers(run("compare", "style.png", "--content", "content.png").out)
    assert set(cells) == {"size", "cfsd", "colour content", "ssim", "psnr"}
    cells = _numbers(run("compare", "style.png", *PAIR[2:]).out)
    assert "ssim" not in cells
    assert cells["colour style"][0] == "0.000"


def test_json_has_the_same_numbers_and_what_they_are_of(
    run: Runner, studio: Path
) -> None:
    done = run("compare", "content.png", "style.png", *PAIR, "--size", "48", "--json")
    record = json.loads(done.out)
    assert record["content"] == "content.png"
    assert record["estimates_vgg19"] is False
    assert len(record["weights_sha256"]) == 64
    first, second = record["pictures"]
    assert first["picture"] == "content.png"
    assert first["size"] == [48, 32]
    assert first["psnr"] is None
    assert second["psnr"] > 0
    assert set(second["w2"]) == {f"conv{k}_1" for k in range(1, 6)}


@pytest.mark.parametrize(
    ("name", "shown"), [(b"two\nlines.png", "two?lines"), (b"\xe9.png", "\ufffd.png")]
)
def test_names_that_cannot_be_printed_are_shown_without_harm(
    run: Runner, studio: Path, name: bytes, shown: str
) -> None:
    path = os.fsdecode(name)
    shutil.copy("style.png", path)
    done = run("compare", path, *PAIR)
    assert done.code == 0
    assert shown in done.out.splitlines()[1]
    record = json.loads(run("compare", path, *PAIR, "--json").out)
    assert record["pictures"][0]["picture"] == path


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (["style.png"], ExitCode.USAGE, "nothing to compare with"),
        (["no.png", *PAIR], ExitCode.IMAGE, "picture no.png"),
        (["style.png", "--content", "no.png"], ExitCode.IMAGE, "content no.png"),
        (["style.png", "--style", "."], ExitCode.IMAGE, "style ."),
        (["wide.png", *PAIR], ExitCode.USAGE, "picture wide.png is 60x32"),
        (["dot.png", *PAIR[2:]], ExitCode.IMAGE, "picture: 8×8"),
        (["style.png", *PAIR, "--size", "8"], ExitCode.USAGE, "size is 8"),
        (["style.png", *PAIR, "--model", "no.onnx"], ExitCode.MODEL, "no.onnx"),
        (PAIR, ExitCode.USAGE, "PICTURE"),
    ],
)
def test_bad_input_is_one_line_and_prints_no_table(
    run: Runner, studio: Path, arguments: list[str], code: ExitCode, words: str
) -> None:
    Image.new("RGB", (60, 32)).save("wide.png")
    Image.new("RGB", (8, 8)).save("dot.png")
    done = run("compare", *arguments)
    assert (done.code, done.out) == (code, "")
    *before, line = done.lines
    assert before in ([], ["measuring 1 picture"])
    assert words.lower() in line.lower()


def test_more_styles_than_one_are_refused(run: Runner, studio: Path) -> None:
    done = run("compare", "content.png", *PAIR, "--style", "content.png")
    assert done.code == ExitCode.USAGE
    assert done.lines == [
        "error: got 2 styles, expected one: judge a blend with one command for each "
        "style"
    ]
