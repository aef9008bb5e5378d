import json
from pathlib import Path
from typing import Any

import pytest

from lightstyle.errors import ExitCode
from lightstyle.records.record import Record
from lightstyle.zoo import registry
from tests.conftest import Runner
from tests.support.picture_files import save_with_text

QUICK = ["--size", "48", "--iterations", "4"]
STYLIZE = ["stylize", "content.png", "style.png", *QUICK]


def test_info_says_what_would_be_used(
    run: Runner, studio: Path, tiny_model: Path
) -> None:
    shown = run("info").out
    assert f"default      {tiny_model}" in shown
    assert "cpu" in shown


def test_info_without_another_model_names_the_bundled_one(run: Runner) -> None:
    assert f"default      {registry.bundled()}" in run("info").out


def test_info_says_how_to_install_the_exporter(
    run: Runner, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(registry, "_EXPORTERS", ())
    assert "not installed: install it with " in run("info").out


def test_info_tells_a_person_what_made_a_picture(run: Runner, studio: Path) -> None:
    assert run(*STYLIZE, "-o", "a.png", "--style-weight", "50").code == 0
    shown = run("info", "a.png").out
    for words in (
        "stylize, 48x32",
        "content.png  SHA-256",
        "model             tiny",
        "4 iterations of lbfgs",
        "on cpu, ",
        "48x32: whole, history of 20",
        "  size            48  (default 512)",
        "  style-weight    50.0\n",
        "weights           content 1, style 50, tv 0",
    ):
        assert words in shown


def test_info_prints_all_of_it_as_json(run: Runner, studio: Path) -> None:
    assert run(*STYLIZE, "-o", "a.png").code == 0
    values = json.loads(run("info", "a.png", "--json").out)
    assert values == Record.read("a.png").as_dict()


def test_info_says_what_is_known_of_a_picture_without_a_record(
    run: Runner, studio: Path
) -> None:
    done = run("info", "content.png")
    assert done.code == ExitCode.OK
    assert done.out == "content.png: PNG, 60x40, no record of how it was made\n"
    assert done.lines == []


@pytest.mark.parametrize(
    ("name", "options"),
    [
        *(("content.png", [option]) for option in ("--json", "--config")),
        *(("no.png", options) for options in ([], ["--json"], ["--config"])),
        *(("text.png", options) for options in ([], ["--json"], ["--config"])),
    ],
)
def test_where_there_is_nothing_info_says_so_in_one_line(
    run: Runner, studio: Path, name: str, options: list[str]
) -> None:
    Path("text.png").write_text("no picture")
    done = run("info", name, *options)
    assert done.code == ExitCode.IMAGE
    assert done.out == ""
    assert len(done.lines) == 1
    assert name in done.lines[0]


@pytest.mark.parametrize("options", [["--json"], ["content.png", "--json", "--config"]])
def test_info_has_one_form_at_a_time(
    run: Runner, studio: Path, options: list[str]
) -> None:
    assert run("info", *options).code == ExitCode.USAGE


HOSTILE: list[dict[str, Any]] = [
    {},
    {"size": {"a": 1}, "settings": [1], "inputs": "photo.jpg", "run": None},
    {"inputs": {"\x1b[2J": {"name": "\x1b]0;owned\x07\n", "sha256": ["x"] * 99}}},
    {"settings": {"size": "\u202e" * 999, "\udc80": None}, "size": [[[[]]]]},
    {"environment": {"versions": [1], "instruction_sets": {}, "cpus": 1e999}},
    {"run": {"layouts": {"a": 1, "b": {"strips": [1]}}, "loss": "low"}},
]


@pytest.mark.parametrize("values", HOSTILE)
def test_a_hostile_record_is_printed_without_control_characters(
    run: Runner, studio: Path, values: dict[str, Any]
) -> None:
    save_with_text("a.png", json.dumps({"lightstyle": "9", **values}))
    done = run("info", "a.png")
    assert done.code == 0
    assert all(line.isprintable() for line in done.out.splitlines())
    assert max(map(len, done.out.splitlines())) < 2000
    done = run("info", "a.png", "--json")
    assert done.out.isascii()
    assert json.loads(done.out)["lightstyle"] == "9"
