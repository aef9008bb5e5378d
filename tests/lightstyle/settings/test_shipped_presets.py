"""Presets that ship with the package, by name."""

import tomllib
from dataclasses import replace
from pathlib import Path

import pytest

import lightstyle
from lightstyle.errors import ExitCode, UsageError
from lightstyle.records.record import Record
from lightstyle.settings import presets
from lightstyle.settings.settings import Settings
from tests.conftest import Runner
from tests.support.documents import GUIDE

QUICK = ["--size", "48", "--iterations", "2", "--config", "gatys"]
STYLIZE = ["stylize", "content.png", "style.png", "-o", "out.png"]


@pytest.mark.parametrize("name", presets.names())
def test_each_is_valid_says_what_it_is_for_and_is_in_the_guide(name: str) -> None:
    text = (presets.SHIPPED / f"{name}.toml").read_text("utf-8")
    assert text.startswith("# ")
    assert presets.read(name).keys() == {
        key.replace("-", "_") for key in tomllib.loads(text)
    }
    assert any(f"--config {name}" in page.read_text("utf-8") for page in GUIDE)


@pytest.mark.parametrize("name", presets.names())
def test_each_serves_every_job(run: Runner, studio: Path, name: str) -> None:
    quick = ["--iterations", "2", "--config", name]
    for command in (
        [*STYLIZE, "--size", "48"],
        ["content", "content.png", "--size", "48", "-o", "b.png"],
        ["texture", "style.png", "--size", "40x32", "-o", "c.png"],
        ["batch", "conten?.png", "style.png", "--size", "48", "-o", "many"],
        ["sheet", "content.png", "style.png", "--vary=seed=1,2", "-o", "sheet.png"],
    ):
        assert run(*command, *quick, "--quiet").code == ExitCode.OK, command


def test_gatys_is_the_plain_loss_with_equal_style_layers_at_one_size() -> None:
    made = lightstyle.preset("gatys")
    assert made.content_layers.used == ("conv5_2",)
    blocks = range(1, 6)
    assert made.style_layers.shares() == {f"conv{n}_1": 0.2 for n in blocks}
    assert (made.style_loss, made.pyramid, made.pooling) == ("gram", "off", "max")
    assert (made.content_weight, made.style_weight, made.tv_weight) == (1, 1e3, 0)


def test_its_name_stands_for_its_settings_and_the_command_line_wins(
    run: Runner, studio: Path
) -> None:
    assert run(*STYLIZE, *QUICK, "--style-weight", "7").code == 0
    made = Record.read("out.png").settings
    gatys = replace(lightstyle.preset("gatys"), size=48, iterations=2, init="content")
    assert made == replace(gatys, style_weight=7)


def test_a_file_of_exactly_its_name_comes_first(run: Runner, studio: Path) -> None:
    Path("gatys.toml").write_text("seed = 8", "utf-8")
    assert "seed" not in presets.read("gatys")
    Path("gatys").write_text("seed = 9", "utf-8")
    assert presets.read("gatys") == {"seed": 9}
    assert run(*STYLIZE, *QUICK).code == 0
    assert Record.read("out.png").settings.seed == 9


def test_a_folder_of_its_name_is_not_in_the_way(studio: Path) -> None:
    Path("gatys").mkdir()
    assert presets.read("gatys")["pyramid"] == "off"


def test_a_path_is_never_the_name_of_one(studio: Path) -> None:
    for path in ("./gatys", "gatys/", "gatys.toml", str(Path("gatys").absolute())):
        with pytest.raises(UsageError, match="cannot be read: No such file"):
            presets.read(path)


@pytest.mark.parametrize("name", ["gaty", "GATYS", "my", "-", "x" * 3000])
def test_an_unknown_name_is_one_line_that_lists_those_that_ship(
    run: Runner, studio: Path, name: str
) -> None:
    done = run(*STYLIZE, f"--config={name}")
    assert done.code == ExitCode.USAGE
    (line,) = done.lines
    assert line.startswith(f"error: config {name[:20]}")
    assert line.endswith(f"the path of a file, or {' or '.join(presets.names())}")
    with pytest.raises(UsageError, match="neither a file here nor a preset"):
        lightstyle.preset(name[:100])


@pytest.mark.parametrize("name", [None, "", 3, b"gatys", {"size": 64}])
def test_what_is_no_name_is_refused(name: object) -> None:
    with pytest.raises(UsageError, match=r"^name is .*, expected "):
        lightstyle.preset(name)  # type: ignore[arg-type]


def test_a_file_may_be_given_to_python_as_well(studio: Path) -> None:
    Path("my.toml").write_text("size = 768", "utf-8")
    for path in ("my.toml", Path("my.toml")):
        assert lightstyle.preset(path) == Settings(size=768)


def test_info_prints_one_as_it_is_to_begin_with(run: Runner, studio: Path) -> None:
    text = (presets.SHIPPED / "gatys.toml").read_text("utf-8")
    assert run("info", "gatys", "--config").out == text
    Path("my.toml").write_text(text, "utf-8")
    assert lightstyle.preset("my.toml") == lightstyle.preset("gatys")


def test_info_and_help_list_them(run: Runner, studio: Path) -> None:
    for shown in (run("info").out, *(run(n, "--help").out for n in ("batch", "sheet"))):
        assert all(name in shown for name in presets.names())


def test_info_prefers_a_picture_of_exactly_its_name(run: Runner, studio: Path) -> None:
    assert run(*STYLIZE, "--size", "48", "--iterations", "2", "--seed=5").code == 0
    Path("out.png").rename("gatys")
    assert "\nseed = 5\n" in run("info", "gatys", "--config").out
