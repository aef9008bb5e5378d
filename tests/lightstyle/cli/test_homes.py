"""Users without a home, and caches that cannot be read or written."""

from pathlib import Path
from typing import NoReturn

import pytest

from lightstyle import model_folder
from lightstyle.errors import ExitCode
from lightstyle.zoo.registry import MODEL_VARIABLE
from tests.conftest import Runner
from tests.support.locks import locked

READING = [
    ["info"],
    ["models", "list"],
    ["models", "path"],
    ["models", "verify", "vgg19-lite"],
    ["demo", "--dry-run", "-o", "new.png"],
]


@pytest.fixture(autouse=True)
def _quick_forecast(monkeypatch: pytest.MonkeyPatch) -> None:
    """Times a smaller picture in dry runs, whose forecast is of no interest here."""
    monkeypatch.setattr("lightstyle.transfer.speed_probe._SIDE", 48)


@pytest.fixture(params=["missing", "", "relative"])
def _homeless(
    request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch, folder: Path
) -> None:
    """A user whose home is unknown."""

    def unknown(user: int) -> NoReturn:
        raise KeyError(f"getpwuid(): uid not found: {user}")

    for name in ("HOME", "XDG_CACHE_HOME", model_folder.CACHE_VARIABLE):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr("pwd.getpwuid", unknown)
    if request.param != "missing":
        monkeypatch.setenv("HOME", request.param)


@pytest.mark.usefixtures("_homeless")
@pytest.mark.parametrize("command", READING, ids=" ".join)
def test_the_bundled_model_needs_no_home(run: Runner, command: list[str]) -> None:
    done = run(*command)
    assert (done.code, "error" in "".join(done.lines)) == (0, False)


@pytest.mark.usefixtures("_homeless")
def test_what_needs_a_home_says_so_in_one_line(run: Runner, folder: Path) -> None:
    before = sorted(folder.iterdir())
    done = run("models", "fetch", "vgg19", "--offline")
    assert done.code == ExitCode.OUTPUT
    (line,) = done.lines
    assert "there is no home folder to keep" in line
    assert "LIGHTSTYLE_CACHE" in line
    assert sorted(folder.iterdir()) == before


@pytest.mark.usefixtures("_homeless")
def test_a_model_by_name_is_not_looked_for_without_a_home(run: Runner) -> None:
    done = run("models", "verify", "vgg19")
    assert done.code == ExitCode.MODEL
    (line,) = done.lines
    assert "there is no home folder with models" in line
    assert str(model_folder.NOWHERE) not in line


@pytest.mark.parametrize("command", READING, ids=" ".join)
def test_a_cache_that_cannot_be_read_counts_as_empty(
    run: Runner, folder: Path, monkeypatch: pytest.MonkeyPatch, command: list[str]
) -> None:
    monkeypatch.setenv(model_folder.CACHE_VARIABLE, str(folder / "home" / "cache"))
    (folder / "home" / "cache").mkdir(parents=True)
    folder.chmod(0o777)
    with locked(folder / "home"):
        done = run(*command)
    assert done.code == 0
    assert not any("cache" in line or str(folder) in line for line in done.lines)
    with monkeypatch.context() as patched:
        patched.setenv(model_folder.CACHE_VARIABLE, str(folder / ("x" * 300)))
        assert run(*command).code == 0


def test_a_cache_that_cannot_be_written_is_one_line(
    run: Runner, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(model_folder.CACHE_VARIABLE, str(folder / "home" / "cache"))
    (folder / "home").mkdir()
    with locked(folder / "home"):
        done = run("models", "fetch", "--offline")
    assert done.code == ExitCode.OUTPUT
    assert len(done.lines) == 1
    assert "another cache folder with LIGHTSTYLE_CACHE" in done.lines[0]


STYLIZE = "stylize content.png style.png -o out.png --dry-run --size 48"


@pytest.mark.parametrize(
    ("command", "code"),
    [
        ("stylize home/a.png style.png -o out.png", ExitCode.IMAGE),
        (f"{STYLIZE} --model home/m.onnx", ExitCode.MODEL),
        (f"{STYLIZE} --config home/c", ExitCode.USAGE),
        (f"{STYLIZE} --like home/c.png", ExitCode.IMAGE),
        (f"{STYLIZE} -o home/o.png", ExitCode.OUTPUT),
        (f"{STYLIZE} --log home/log", ExitCode.OUTPUT),
        (f"{STYLIZE} --timelapse home/film.webp", ExitCode.OUTPUT),
        (f"{STYLIZE} --checkpoint home/c", ExitCode.OUTPUT),
        (f"{STYLIZE} --content-mask home/m.png", ExitCode.IMAGE),
        ("batch home style.png -o out", ExitCode.IMAGE),
        ("batch home/*.png style.png -o out", ExitCode.IMAGE),
        ("batch home/f.jsonl style.png -o out", ExitCode.IMAGE),
        ("batch c*.png no.png -o home/out", ExitCode.IMAGE),
        ("batch c*.png style.png -o home/out --failures home/f.jso", ExitCode.USAGE),
        ("sheet content.png home/style.png -o out.png", ExitCode.IMAGE),
        ("compare home/a.png --content content.png", ExitCode.IMAGE),
        ("resume home/c", ExitCode.CHECKPOINT),
        ("info home/a.png", ExitCode.IMAGE),
        ("models path home/m.onnx", ExitCode.MODEL),
        ("models verify home/m.onnx", ExitCode.MODEL),
        ("export --weights home/w.h5 -o m.onnx", ExitCode.MODEL),
        ("export --weights w.h5 -o home/m.onnx", ExitCode.MODEL),
    ],
)
@pytest.mark.parametrize("kind", ["locked", "long"])
def test_what_may_not_be_looked_at_is_one_line(
    run: Runner,
    studio: Path,
    monkeypatch: pytest.MonkeyPatch,
    command: str,
    code: ExitCode,
    kind: str,
) -> None:
    for name in ("home", "cache"):
        Path(name).mkdir()
    monkeypatch.setenv(model_folder.CACHE_VARIABLE, "cache")
    monkeypatch.setenv(MODEL_VARIABLE, model_folder.BUNDLED_MODEL)
    for each in (studio, Path("cache")):
        each.chmod(0o777)
    run(*command.split())  # which imports what it needs
    if kind == "locked":
        with locked(Path("home")):
            done = run(*command.split())
    else:
        done = run(*command.replace("home", "x" * 300).split())
    assert done.code == code, done.lines
    (line,) = (each for each in done.lines if not each.startswith("measuring"))
    assert line.startswith("error: ")
    assert "bug" not in line


@pytest.mark.parametrize(
    "options", [["--log", "log"], ["--checkpoint", "c"], ["--timelapse", "film.webp"]]
)
def test_a_current_folder_that_is_gone_is_one_line(
    run: Runner, studio: Path, monkeypatch: pytest.MonkeyPatch, options: list[str]
) -> None:
    Path("gone").mkdir()
    monkeypatch.chdir("gone")
    (studio / "gone").rmdir()
    pictures = [studio / "content.png", studio / "style.png"]
    done = run("stylize", *pictures, "-o", studio / "o.png", *options)
    assert done.code in (ExitCode.USAGE, ExitCode.OUTPUT)
    assert len(done.lines) == 1
    assert "bug" not in done.lines[0]
    assert run("batch", ".", pictures[1], "-o", "out").code == ExitCode.USAGE
    assert run("info").code == ExitCode.OK
