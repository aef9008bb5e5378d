import tomllib
from dataclasses import fields, replace
from pathlib import Path

import pytest

from lightstyle.errors import ExitCode, UsageError
from lightstyle.records.record import Record
from lightstyle.settings import presets
from lightstyle.settings.layers import LayerWeights
from lightstyle.settings.settings import Settings
from tests.conftest import Runner

STYLIZE = ["stylize", "content.png", "style.png", "-o", "out.png"]
QUICK = ["--size", "48", "--iterations", "3"]

VARIED = Settings(
    size=4096,
    enlarge=True,
    style_weight=1e-20,
    content_weight=1e300,
    content_layers=LayerWeights({"conv4_2": 1 / 3, "conv1_1": 2}),
    init='odd "name"\\ \t\x7f\U0001f600.png',
    seed=10**15,
    style_scale=(1.0, 1 / 3),
    blend=(3.0, 0.0),
    optimizer="lbfgsb",
)


def _file(text: str) -> Path:
    path = Path("my.toml")
    path.write_text(text, encoding="utf-8")
    return path


@pytest.mark.parametrize("settings", [Settings(), VARIED])
def test_what_is_written_is_read_back(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, settings: Settings
) -> None:
    monkeypatch.chdir(tmp_path)
    values = presets.read(_file(presets.write(settings)))
    assert replace(Settings(), **values) == settings
    given = {k for k, v in settings.as_dict().items() if v is not None}
    assert set(values) == given


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "utf-32"])
def test_a_preset_may_be_what_powershell_writes(
    run: Runner, studio: Path, encoding: str
) -> None:
    text = run("info", "--config").out.replace("seed = 0", "seed = 7  # zwölf")
    Path("my.toml").write_bytes(f"{text}\n\n".replace("\n", "\r\n").encode(encoding))
    assert presets.read("my.toml")["seed"] == 7


def test_a_preset_in_an_unknown_encoding_is_one_line(run: Runner, studio: Path) -> None:
    Path("my.toml").write_bytes("seed = 7  # zwölf".encode("latin-1"))
    done = run(*STYLIZE, "--config", "my.toml")
    assert done.code == ExitCode.USAGE
    assert "config my.toml is not a preset in TOML" in done.lines[0]


def test_every_setting_is_there_with_its_help() -> None:
    text = presets.write(Settings())
    assert max(map(len, text.splitlines())) <= 88
    comments = " ".join(line[2:] for line in text.splitlines() if line[:1] == "#")
    for declared in fields(Settings):
        assert declared.metadata["help"] in comments
    assert "init" not in tomllib.loads(text)


def test_defaults_as_a_preset_change_nothing(run: Runner, studio: Path) -> None:
    assert run(*STYLIZE, *QUICK).code == 0
    _file(run("info", "--config").out)
    options = ["--config", "my.toml", "--overwrite"]
    before = Path("out.png").read_bytes()
    assert run(*STYLIZE, *QUICK, *options).code == 0
    assert Path("out.png").read_bytes() == before


def test_the_command_line_wins_over_a_preset_and_that_over_a_picture(
    run: Runner, studio: Path
) -> None:
    assert run(*STYLIZE, *QUICK, "--seed=1", "--tv-weight=2").code == 0
    _file('seed = 3\nsize = 50\niterations = 2\nstyle-weight = 9\npooling = "max"')
    options = ["--like", "out.png", "--config", "my.toml", "--iterations=1"]
    command = ["stylize", "content.png", "style.png", "-o", "b.png", "--size=56"]
    assert run(*command, *options).code == 0
    made = Record.read("b.png").settings
    assert (made.size, made.iterations) == (56, 1)  # the command line
    assert (made.seed, made.style_weight) == (3, 9.0)  # the preset
    assert made.tv_weight == 2  # the picture
    assert made.content_weight == Settings().content_weight


def test_what_a_job_has_no_use_for_is_ignored(run: Runner, studio: Path) -> None:
    _file('style-weight = 9\niterations = 2\ncontent-layers = "conv4_2"')
    for command in (
        ["content", "content.png", "-o", "a.png"],
        ["texture", "style.png", "--size", "40x32", "-o", "b.png"],
    ):
        assert run(*command, "--config", "my.toml").code == 0


def test_the_settings_of_a_picture_make_a_preset(run: Runner, studio: Path) -> None:
    assert run(*STYLIZE, *QUICK, "--style-weight", "77").code == 0
    _file(run("info", "out.png", "--config").out)
    assert presets.read("my.toml")["style_weight"] == 77


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("stile-weight = 3", "stile-weight is no setting, did you mean style-weight"),
        ("quiet = true", "quiet is no setting"),
        ("[settings]\nsize = 64", "settings is no setting"),
        ('size = "64"', "size is '64', expected a whole number"),
        ("size = 64.0", "size is 64.0, expected a whole number"),
        ("size = true", "size is True, expected a whole number"),
        ("enlarge = 1", "enlarge is 1, expected true or false"),
        ('style-weight = "1e4"', "expected a number"),
        (f"style-weight = 1{'0' * 400}", "expected a number"),
        ("style-weight = nan", "style-weight is nan, expected a number of at least 0"),
        (f"seed = 1{'0' * 43}", "seed is 1000"),
        (f"size = 1{'0' * 4000}", "size is a number of 13288 bits, expected"),
        (
            "iterations = 1000000000",
            "expected a whole number of at least 1 and at most",
        ),
        ('"\\u001b[2J" = 1', "?[2J is no setting"),
        ('init = "a\\u0000b"', "init is 'a\\x00b', expected"),
        (
            f'init = "{"x" * 90_000}"',
            "expected content, noise, style or a picture file",
        ),
        (f"{'x' * 90_000} = 1", "is no setting"),
        ("tv-weight = 1979-05-27", "expected a number"),
        (
            'style-layers = ["conv1_1"]',
            'expected layers and their weights, such as "conv4_2:2',
        ),
        ('style-layers = "conv9_1"', "layer conv9_1 is unknown"),
        ('pooling = "median"', "pooling is 'median', expected max or average"),
        ("size = 8", "size is 8, expected"),
        ("size = 64\nsize = 65", "is not a preset in TOML"),
        ("size 64", "is not a preset in TOML"),
        ("size = " + "[" * 10_000, "is not a preset in TOML"),
        ("#" * 100_001, "is not a preset in TOML: it has more than 100 kB"),
        ("a." * 49_000 + "a = 1", "in TOML: a line has more than 1000 dots"),
    ],
)
def test_a_bad_preset_is_one_line_of_usage(
    run: Runner, studio: Path, text: str, problem: str
) -> None:
    _file(text)
    done = run(*STYLIZE, "--config", "my.toml")
    assert done.code == ExitCode.USAGE
    assert len(done.lines) == 1
    assert done.lines[0].startswith("error: config my.toml")
    assert problem in done.lines[0]
    assert len(done.lines[0]) < 600
    assert done.lines[0].isprintable()
    assert not Path("out.png").exists()


@pytest.mark.parametrize("name", ["no.toml", ".", "content.png", "null\0"])
def test_what_is_no_preset_is_one_line_of_usage(studio: Path, name: str) -> None:
    with pytest.raises(UsageError, match=r"^config ") as caught:
        presets.read(name)
    assert len(str(caught.value)) < 300
    assert "\n" not in str(caught.value)
