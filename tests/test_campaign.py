import json
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path
from random import Random

import pytest

from lightstyle.images.loading import load
from tests.campaign import raw, verdict
from tests.campaign.case import Case, Draw, draw
from tests.campaign.child import Outcome, run
from tests.campaign.commands import COMMANDS, command
from tests.campaign.containers import mangled_weights
from tests.campaign.kinds import Kind
from tests.campaign.layouts import png_chunks, png_of, structured
from tests.campaign.pictures import CONTENT, maps, masks, pictures
from tests.campaign.rare_pictures import rare_pictures
from tests.campaign.shrink import shrunk
from tests.campaign.stage import Changes, Stage

ROOT = Path(__file__).parents[1]
SEEDS = sorted((ROOT / "tests" / "campaign" / "seeds").glob("*.json"))

CASE = Case("preset", ("stylize", "--quiet"), "x", b"", ("out.png",))
GOOD = Outcome(3, b"", b"error: content x: the file is empty\n", 0.1, 0)
NOTHING = Changes((), ())


def _problems(outcome: Outcome, changes: Changes = NOTHING) -> str:
    return "; ".join(verdict.problems(CASE, outcome, changes))


def test_findings_that_were_mended_stay_mended() -> None:
    if SEEDS:
        words = [sys.executable, "-m", "tests.campaign", "--replay", *map(str, SEEDS)]
        done = subprocess.run(words, capture_output=True, text=True, cwd=ROOT)
        assert done.returncode == 0, done.stdout + done.stderr


def test_one_line_and_a_documented_code_is_no_finding() -> None:
    assert _problems(GOOD) == ""


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"code": 1}, "exit code 1"),
        ({"code": -11}, "killed by signal 11"),
        ({"err": b""}, "0 lines of errors"),
        ({"err": b"TIFFRead: oh\nerror: x\n"}, "beside the error"),
        ({"err": b"error: this is a bug in lightstyle: KeyError\n"}, "told a bug"),
        ({"err": b"error: " + b"x" * 400 + b"\n"}, "a line of 407 characters"),
        ({"err": b"error: \x1b[31m\n"}, "control characters"),
        ({"out": b"\x1b[31m\n"}, "control characters on stdout"),
    ],
)
def test_anything_else_is_a_finding(change: dict[str, bytes], words: str) -> None:
    assert words in _problems(replace(GOOD, **change))  # type: ignore[arg-type]


def test_files_may_be_left_by_success_alone_and_never_temporary_ones() -> None:
    made, left = Changes(("out.png",), ()), Changes((".lightstyle-1.tmp",), ())
    success = replace(GOOD, code=0, err=b"")
    assert _problems(success, made) == ""
    assert "leaves the file out.png" in _problems(GOOD, made)
    assert "leaves the file .lightstyle-1.tmp" in _problems(success, left)
    assert "changes the file content.ppm" in _problems(
        success, Changes((), ("content.ppm",))
    )


def test_a_child_is_killed_when_its_time_is_over(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("tests.campaign.child.SECONDS", 0.05)

    outcome = run(lambda: time.sleep(30))
    assert outcome.code < 0
    assert outcome.seconds < 10


def test_equal_numbers_draw_equal_cases() -> None:
    kind = Kind("picture", pictures(), [structured])
    cases = [[draw(kind, n, 3, [b"x"]).mangled() for n in range(60)] for _ in range(2)]
    assert cases[0] == cases[1]
    assert len({case.data for case in cases[0]}) > 50


def test_seeds_of_rare_kinds_are_whole_and_the_same_each_time() -> None:
    seeds = rare_pictures(CONTENT)
    assert seeds == rare_pictures(CONTENT)
    for name, data in seeds.items():
        picture = load(data)
        assert picture.size == CONTENT.shape[1::-1], name
        assert abs(float(picture.rgb_hwc.mean()) - float(CONTENT.mean())) < 120, name


def test_a_mangled_png_keeps_its_crcs() -> None:
    data = pictures()["PNG-RGB.png"]
    assert png_of(png_chunks(data)) == data


def test_every_picture_can_be_mangled_as_its_format_suggests() -> None:
    for name, data in {**pictures(), **masks(), **maps()}.items():
        mangled = [structured(Random(n), data) for n in range(8)]
        assert any(each != data for each in mangled), name


def test_weights_are_mangled_as_their_format_suggests() -> None:
    header = b'{"a": {"dtype": "F32", "data_offsets": [0, 4]}}'
    data = len(header).to_bytes(8, "little") + header + b"\1\2\3\4"
    found = [mangled_weights(Random(seed), data) for seed in range(20)]
    assert all(int.from_bytes(m[:8], "little") == len(m) - 12 for m in found)
    assert any(made[:-4] != data[:-4] for made in found)
    assert any(made[-4:] != data[-4:] for made in found)


def test_a_finding_is_made_small() -> None:
    case = replace(CASE, data=bytes(500) + b"bad" + bytes(500))
    drawn = Draw(case, (("1", raw.flip), ("2", lambda _, data: data + b"more")))
    small = shrunk(drawn, lambda each: b"bad" in each.data)
    assert small.data == b"bad"


def test_a_finding_is_saved_and_loaded(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tests.campaign.case.FINDINGS", tmp_path)
    case = replace(CASE, data=b"\0\xff")
    assert Case.load(case.save("a problem", "name")) == case


def test_a_finding_names_no_folder_of_this_machine(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tests.campaign.case.FINDINGS", tmp_path)
    saved = CASE.save(f"told a bug: {__file__}:12: a reason in photos/one.ppm", "name")
    found = json.loads(saved.read_text("utf-8"))["found"]
    assert found == "told a bug: test_campaign.py:12: a reason in photos/one.ppm"


def test_the_stage_is_restored(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for name in ("HOME", "XDG_CACHE_HOME", "TMPDIR", "LIGHTSTYLE_CACHE"):
        monkeypatch.setenv(name, "")
    monkeypatch.setattr("tempfile.tempdir", None)
    stage = Stage(tmp_path)
    stage.add({"good": b"good"})
    before = stage.lay("bad", b"bad")
    Path("good").unlink()
    Path("new").touch()
    changes = stage.changes(before)
    assert changes == Changes(("new",), ("good",))
    stage.restore("bad", changes)
    assert {p.name: p.read_bytes() for p in tmp_path.iterdir() if p.is_file()} == {
        "good": b"good"
    }


def test_commands_say_what_they_may_leave() -> None:
    assert command("export --weights FILE -o made.onnx", "x").outputs == ("made.*",)
    assert command("stylize FILE y -o out.png --dry-run", "x").outputs == ()
    assert all(
        "FILE" in " ".join(lines) or kind == "model" for kind, lines in COMMANDS.items()
    )
