import os
import shutil
import subprocess
import sys
from dataclasses import fields
from pathlib import Path
from typing import Any

import pytest

import lightstyle
from lightstyle import Settings
from lightstyle.errors import UsageError
from lightstyle.settings.choices import StyleLoss
from lightstyle.settings.fields import FIELDS, parse, plain, take

#: What a new setting takes: a line among the settings and a row of the table.
ADDED = {
    "settings.py": (
        "    def __post_init__",
        '    grain: float = option(0.5, "Grit.")\n\n',
    ),
    "fields.py": ('    "size": Field(', '    "grain": Field(number(0, 1), _SIZE),\n'),
}

#: Looks for it everywhere; runs where `lightstyle` is the copy that has it.
SEARCH = """
import contextlib, io, sys
from pathlib import Path
import lightstyle
from lightstyle import Settings
from lightstyle.cli.app import main
from lightstyle.records.checkpoint import Checkpoint, LoadedCheckpoint
from lightstyle.records.record import Record

assert Path(lightstyle.__file__).is_relative_to(sys.argv[1])

def run(*arguments):
    out = io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(out):
        try:
            main([*arguments, *(["--quiet"] if "-o" in arguments else [])])
        except SystemExit as end:
            return f"exit {end.code}: {out.getvalue()}"

def stop(progress):
    raise StopIteration

STYLIZE = ["stylize", "content.png", "style.png", "--size=48", "--iterations=1"]
assert "--grain NUMBER" in run("texture", "--help")
assert "# Grit.\\ngrain = 0.5\\n" in run("info", "--config")
Path("my.toml").write_text("grain = 0.75")
print(run(*STYLIZE, "--config", "my.toml", "-o", "preset.png"))
assert Record.read("preset.png").settings.grain == 0.75
print(run(*STYLIZE, "--grain", "0.25", "-o", "line.png"))
print(run(*STYLIZE, "--like", "line.png", "-o", "like.png"))
assert Record.read("like.png").settings.grain == 0.25
settings = Settings(grain=0.125, size=48)
kept = Checkpoint(Path("run.checkpoint"))
given = {"settings": settings, "callback": stop, "checkpoint": kept}
lightstyle.stylize("content.png", "style.png", **given)
assert LoadedCheckpoint.newest(kept.path).snapshot.origin.settings.grain == 0.125
sheet = ["sheet", *STYLIZE[1:], "--vary", "grain=0,0.5", "-o", "sheet.png"]
assert run(*sheet).startswith("exit 0")
assert "expected a number of at least 0 and at most 1" in run(*STYLIZE, "--grain=2")
"""


def test_a_setting_that_is_added_is_found_everywhere(studio: Path) -> None:
    package = Path(lightstyle.__file__).parent
    copy = shutil.copytree(
        package, studio / "copy" / "lightstyle", ignore=lambda *_: ["__pycache__"]
    )
    for name, (before, added) in ADDED.items():
        path = copy / "settings" / name
        text = path.read_text("utf-8")
        assert text.count(before) == 1
        path.write_text(text.replace(before, added + before), "utf-8")
    run = subprocess.run(
        [sys.executable, "-c", SEARCH, copy],
        env={**os.environ, "PYTHONPATH": str(copy.parent)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert run.returncode == 0, run.stdout + run.stderr


def test_the_table_has_a_row_for_each_setting() -> None:
    assert FIELDS.keys() == {each.name for each in fields(Settings)}


def test_defaults_are_values_as_the_table_takes_them() -> None:
    settings = Settings()
    for each in fields(settings):
        value = getattr(settings, each.name)
        assert value == each.default
        assert take(each.name, plain(each.name, value)) == value


@pytest.mark.parametrize(
    ("name", "text", "value"),
    [
        ("size", "64", 64),
        ("style_weight", "1e3", 1000.0),
        ("enlarge", "On", True),
        ("style_loss", "match", "match"),
        ("style_layers", "conv1_1:2", {"conv1_1": 2.0}),
        ("style_scale", "0.5", 0.5),
        ("style_scale", "1,0.5", (1.0, 0.5)),
        ("blend", "3,1", (3.0, 1.0)),
        ("style_mask", "a.png, all", ("a.png", "all")),
        ("regions", "a.png,b.png", ("a.png", "b.png")),
    ],
)
def test_text_of_an_option_becomes_a_value(name: str, text: str, value: Any) -> None:
    assert parse(name, text) == value


@pytest.mark.parametrize(
    ("name", "text", "problem"),
    [
        ("size", "many", "size is many, expected a whole number of at least 32"),
        ("size", "64.0", "size is 64.0, expected"),
        ("blend", "1,x", "blend is 1,x, expected a number of at least 0 for each"),
        ("blend", "", "blend is empty, expected"),
        ("enlarge", "maybe", "enlarge is maybe, expected true or false"),
        ("regions", "a.png", "regions is a.png, expected 2 paths"),
        ("style_layers", "conv9_1", "style-layers: layer conv9_1 is unknown"),
        ("stile_weight", "1", "stile-weight is no setting, did you mean style-weight"),
    ],
)
def test_other_text_is_refused_with_what_is_expected(
    name: str, text: str, problem: str
) -> None:
    with pytest.raises(UsageError) as caught:
        parse(name, text)
    assert str(caught.value).startswith(problem)
    assert "\n" not in str(caught.value)


def test_words_and_layers_may_be_given_as_text() -> None:
    given: dict[str, Any] = {"style_layers": "conv1_1:1", "content_layers": "conv4_2"}
    settings = Settings(**given, style_loss="gaussian")
    assert settings.style_layers.used == ("conv1_1",)
    assert settings.content_layers == {"conv4_2": 1.0}
    assert settings.style_loss is StyleLoss.GAUSSIAN
