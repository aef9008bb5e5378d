import json
import re
import signal
import sys
from pathlib import Path

import pytest
from PIL import Image

from lightstyle.errors import ExitCode
from lightstyle.settings.settings import Settings
from tests.conftest import Runner
from tests.support.networks import break_evaluation
from tests.support.picture_files import size_of
from tests.support.processes import start, wait_for

QUICK = ["--size", "48", "--iterations", "4"]


def test_stylize_writes_a_picture(run: Runner, studio: Path) -> None:
    done = run("stylize", "content.png", "style.png", "-o", "out.png", *QUICK)
    assert done.code == ExitCode.OK
    assert done.out == ""
    assert size_of("out.png") == (48, 32)
    assert "tiny.onnx on cpu" in done.lines[0]
    assert done.lines[-2].startswith("4/4  loss ")
    assert ", down " in done.lines[-2]
    assert done.lines[-3].endswith(" s left")
    assert "1/4  loss" in done.lines[2]
    assert not re.search("down|left", "".join(done.lines[2:4]))
    assert "out.png: 48x32, 4 iterations" in done.lines[-1]
    assert "all iterations were used" in done.lines[-1]


def test_content_writes_a_reconstruction(run: Runner, studio: Path) -> None:
    assert run("content", "content.png", "-o", "out.jpg", *QUICK).code == 0
    assert size_of("out.jpg") == (48, 32)


def test_a_texture_has_the_size_asked_for(run: Runner, studio: Path) -> None:
    options = ["--size", "40x56", "--iterations", "3", "-o", "out.tif"]
    assert run("texture", "style.png", *options).code == 0
    assert size_of("out.tif") == (40, 56)


def test_the_log_has_an_object_for_every_evaluation(run: Runner, studio: Path) -> None:
    options = ["-o", "out.png", "--log", "log.jsonl", *QUICK]
    assert run("stylize", "content.png", "style.png", *options).code == 0
    entries = [json.loads(line) for line in Path("log.jsonl").read_text().splitlines()]
    assert [entry["evaluation"] for entry in entries] == [1, 2, 3, 4]
    for entry in entries:
        terms = [value for name, value in entry.items() if "_loss" in name]
        assert len(terms) == 3 + 5 + 1  # content, style and total variation
        assert entry["total"] == pytest.approx(sum(terms))
        assert entry["seconds"] > 0
        assert entry["size"] == [48, 32]


def test_quiet_prints_nothing(run: Runner, studio: Path) -> None:
    options = ["-o", "out.png", "--quiet", *QUICK]
    assert run("stylize", "content.png", "style.png", *options).lines == []


def test_pictures_are_saved_on_the_way(run: Runner, studio: Path) -> None:
    options = ["-o", "out.png", "--save-every", "2", *QUICK]
    assert run("stylize", "content.png", "style.png", *options).code == 0
    assert sorted(path.name for path in studio.glob("out*")) == [
        "out.png",
        "out_0002.png",
        "out_0004.png",
    ]
    assert Path("out_0004.png").read_bytes() == Path("out.png").read_bytes()


def test_an_old_file_is_overwritten_if_told_and_with_sixteen_bits(
    run: Runner, studio: Path
) -> None:
    Path("out.png").write_bytes(b"old")
    options = ["-o", "out.png", "--bits", "16", "--overwrite", *QUICK]
    assert run("stylize", "content.png", "style.png", *options).code == 0
    assert Path("out.png").read_bytes()[24] == 16  # bit depth of a PNG


def test_the_demonstration_needs_nothing_but_the_package(
    run: Runner, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("lightstyle.cli.demo.DEMO", Settings(size=48, iterations=2))
    done = run("demo")
    assert done.code == 0
    assert "vgg19-lite.onnx on" in done.lines[0]
    assert max(size_of("lightstyle-demo.png")) == 48
    assert run("demo").code == 0
    assert max(size_of("lightstyle-demo-2.png")) == 48
    assert run("demo", "-o", "bare.png", "--no-metadata").code == 0
    assert b"sha256" in Path("lightstyle-demo.png").read_bytes()
    assert b"sha256" not in Path("bare.png").read_bytes()


def test_debug_shows_the_traceback(run: Runner, studio: Path) -> None:
    done = run("stylize", "no.png", "style.png", "-o", "out.png", "--debug")
    assert done.code == ExitCode.IMAGE
    assert any("Traceback" in line for line in done.lines)


def test_a_bug_is_called_one(
    run: Runner, studio: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("lightstyle.zoo.registry.load", lambda *_, **__: 1 / 0)
    done = run("stylize", "content.png", "style.png", "-o", "out.png")
    assert done.code == ExitCode.BUG
    assert "bug in lightstyle: ZeroDivisionError" in done.lines[0]


def test_ctrl_c_writes_the_picture_so_far_and_exits_130(studio: Path) -> None:
    options = ["-o", "out.png", "--log", "log.jsonl", "--iterations", "100000"]
    process = start("stylize", "content.png", "style.png", *options)
    log = Path("log.jsonl")
    wait_for(lambda: log.exists() and log.stat().st_size > 0)
    process.send_signal(signal.SIGINT)
    _, errors = process.communicate(timeout=60)
    assert process.returncode == ExitCode.INTERRUPTED
    assert "stopped on request" in errors
    assert "Traceback" not in errors
    assert size_of("out.png") == (60, 40)


def test_a_loss_that_breaks_off_leaves_the_picture_and_exits_7(
    run: Runner, studio: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    break_evaluation(monkeypatch, 3)
    options = ["-o", "out.png", "--log", "log.jsonl", "--quiet", *QUICK]
    options += ["--style-weight", "1e4"]
    done = run("stylize", "content.png", "style.png", *options)
    assert done.code == ExitCode.TRANSFER
    assert "at iteration 3" in done.lines[-1]
    assert size_of("out.png") == (48, 32)
    assert len(Path("log.jsonl").read_text().splitlines()) == 3


@pytest.mark.parametrize("stderr", [None, "full"])
def test_a_stderr_that_takes_nothing_does_not_stop_the_work(
    run: Runner, studio: Path, monkeypatch: pytest.MonkeyPatch, stderr: str | None
) -> None:
    class Full:
        closed = False

        def isatty(self) -> bool:
            return False

        def write(self, text: str) -> None:
            raise OSError(28, "No space left on device")

    with monkeypatch.context() as patched:
        patched.setattr(sys, "stderr", Full() if stderr else None)
        done = run("stylize", "content.png", "style.png", "-o", "out.png", *QUICK)
    assert done.code == 0
    assert size_of("out.png") == (48, 32)


def test_intermediate_pictures_keep_transparency(run: Runner, studio: Path) -> None:
    with Image.open("content.png") as opened:
        image = opened.convert("RGBA")
    image.putalpha(77)
    image.save("clear.png")
    options = ["-o", "out.png", "--save-every", "4", *QUICK]
    assert run("stylize", "clear.png", "style.png", *options).code == 0
    assert Path("out_0004.png").read_bytes() == Path("out.png").read_bytes()


def test_a_dry_run_tells_what_it_would_take_and_writes_nothing(
    run: Runner, studio: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    before = sorted(studio.iterdir())
    options = ["-o", "out.png", "--dry-run", "--checkpoint", "auto", *QUICK]
    done = run("stylize", "content.png", "style.png", *options)
    assert done.code == 0
    assert sorted(studio.iterdir()) == before
    assert not done.lines
    table = dict(line.split(maxsplit=1) for line in done.out.splitlines())
    assert table["size"] == "48x32"
    assert table["iterations"] == "4"
    assert {"levels", "computed", "memory", "time"} < table.keys()


def test_a_run_begins_by_telling_what_it_will_take(run: Runner, studio: Path) -> None:
    done = run("texture", "style.png", "-o", "out.png", "--size", "64x64", *QUICK[2:])
    assert "on cpu" in done.lines[0]
    assert "64x64, 4 iterations" in done.lines[1]
    assert "whole" in done.lines[1]
