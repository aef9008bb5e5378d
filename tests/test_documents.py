"""What README and the guide show works: every command, all code, every link."""

import importlib.util
import os
import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Mapping
from itertools import pairwise
from pathlib import Path
from typing import Any, Final

import pytest
import typer
from PIL import Image

from export import build_model
from export.cli import app as export_app
from lightstyle import contract, model_folder
from lightstyle.cli.app import COMMANDS, app, main
from lightstyle.errors import ExitCode
from lightstyle.jobs.failures import Failure
from lightstyle.records.record import Record
from lightstyle.settings import presets
from lightstyle.zoo.registry import MODEL_VARIABLE
from tests.support import documents, official
from tests.support.documents import DOCUMENTS, GUIDE, Snippet
from tests.support.networks import image, tiny_weights
from tests.support.processes import ROOT

#: Commands that are not run, and why. Those of `lightstyle` are parsed all the same.
NOT_RUN: Final[Mapping[str, str]] = {
    "python3 -c": "installs from the network",
    "python3 -m venv": "installs from the network; .ci/run runs it",
    "python3 -m pip": "installs from the network",
    "python3 -m webbrowser": "opens a browser",
    "py -3": "is for Windows",
    "magick": "is another program",
    ".venv": "is for Windows",
    "python models/": "trains for an hour",
    "lightstyle models fetch vgg19": "needs the network, but for --from",
    "lightstyle batch photos painting.jpg -o out --watch": "waits for ever",
    "lightstyle batch photos painting.jpg -o out --cluster": "needs a cluster",
    "lightstyle stylize photo.jpg painting.jpg --size 8192": "needs a cluster",
    "lightstyle serve": "waits for ever",
    "lightstyle page": "needs the network, for npm; tests/lightstyle/page runs it",
    "python -m http.server": "waits for ever",
    "curl": "is another program",
    "docker": "is another program",
    "ray": "is another program",
}

#: Options that are made small, where a command has them.
SMALL: Final = {
    "--size": "48",
    "--iterations": "2",
    "--memory": "16GB",
    "--workers": "1",
}

#: Commands that get them, given or not.
PAINTING: Final = {"stylize", "content", "texture", "batch", "sheet"}

#: Pictures that they name.
PICTURES: Final = (
    *("photo.jpg", "other.jpg", "sunset.jpg", "painting.jpg"),
    *("one.jpg", "two.jpg", "photos/1.jpg", "photos/sub/2.jpg"),
)

#: Pictures of the gallery that are results as they were made, if smaller.
RESULTS: Final = (
    *("blend", "chroma", "demo", "graphic", "protect", "regions", "sky"),
    *("small-demo", "texture", "town"),
)

SNIPPETS: Final = [each for path in DOCUMENTS for each in documents.commands(path)]


def _named(snippet: Snippet) -> str:
    return f"{snippet.place} {snippet.text[:60]}"


@pytest.fixture(scope="module")
def sandbox(tmp_path_factory: pytest.TempPathFactory, tiny_model: Path) -> Path:
    """A folder with every file that the documents name, and a `lightstyle` to run."""
    folder = tmp_path_factory.mktemp("documents")
    for seed, name in enumerate(PICTURES):
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(image(40, 60, seed)).save(path)
    mask = Image.new("L", (60, 40), 0)
    mask.paste(255, (0, 0, 60, 20))
    for name in ("sky.png", "face.png", "brushwork.png"):
        mask.save(folder / name)
    mask.point(lambda value: 255 - value).save(folder / "ground.png")
    for name in ("photo-map.png", "painting-map.png"):
        mask.convert("RGB").save(folder / name)
    (folder / "my.toml").write_text("style-weight = 2e4\n", "utf-8")
    failure = Failure(
        folder / "photos/1.jpg", folder / "photos", ExitCode.IMAGE, "a reason"
    )
    (folder / "failed.jsonl").write_text(f"{failure}\n", "utf-8")
    shutil.copy(contract.weights_path(tiny_model), folder / "vgg19.h5")
    (folder / "lightstyle").symlink_to(ROOT / "lightstyle")
    (folder / "models").mkdir()
    (folder / "models" / "gallery").symlink_to(ROOT / "models" / "gallery")
    shutil.copy(folder / "vgg19.h5", folder / "models" / "vgg19-lite.safetensors")
    cache = tmp_path_factory.mktemp("models")
    for name in (model_folder.DEFAULT_MODEL, model_folder.BUNDLED_MODEL):
        build_model(tiny_weights(), cache / f"{name}.onnx")
    shim = cache / "bin" / "lightstyle"
    shim.parent.mkdir()
    shim.write_text(f'#!/bin/sh\nexec {sys.executable} {ROOT / "cli.py"} "$@"\n')
    shim.chmod(0o755)
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        _enter(patch, cache, tiny_model)
        paint = ["stylize", "photo.jpg", "painting.jpg", "--size", "48"]
        _call([*paint, "--iterations", "2", "-o", "out.png"])
        shutil.copy("out.png", "small.png")
        _make_checkpoint()
    return folder


def _enter(patch: pytest.MonkeyPatch, cache: Path, model: Path) -> None:
    patch.setenv(model_folder.CACHE_VARIABLE, str(cache))
    patch.setenv(MODEL_VARIABLE, str(model))
    patch.setenv("PATH", f"{cache / 'bin'}{os.pathsep}{os.environ['PATH']}")


def _call(arguments: list[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        main(arguments)
    assert caught.value.code == 0


def _make_checkpoint() -> None:
    """Leave the checkpoint of a run that was killed, as the command line makes one."""
    script = (
        "import os, sys\n"
        "from lightstyle.cli import app\n"
        "from lightstyle.engine.model import Model\n"
        "evaluate = Model.evaluate\n"
        "def dies(*arguments, **options):\n"
        "    if os.path.exists('out.png.checkpoint'):\n"
        "        os._exit(9)\n"
        "    return evaluate(*arguments, **options)\n"
        "Model.evaluate = dies\n"
        "app.main(sys.argv[1:])\n"
    )
    options = ["--size", "48", "--iterations", "6", "--checkpoint", "auto"]
    options += ["--checkpoint-every", "0", "--pyramid", "off", "-o", "out.png"]
    pictures = ["photo.jpg", "painting.jpg", "--overwrite"]
    command = [sys.executable, "-c", script, "stylize", *pictures, *options]
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    done = subprocess.run(command, env=environment, capture_output=True, text=True)
    assert done.returncode == 9, done.stderr


@pytest.fixture
def studio(
    sandbox: Path, tmp_path: Path, tiny_model: Path, monkeypatch: pytest.MonkeyPatch
) -> Path:
    """A copy of it for one test, which is the current folder."""
    folder = tmp_path / "studio"
    shutil.copytree(sandbox, folder, symlinks=True)
    monkeypatch.chdir(folder)
    cache = next(sandbox.parent.glob("models*"))
    _enter(monkeypatch, cache, tiny_model)
    return folder


@pytest.mark.parametrize("snippet", SNIPPETS, ids=_named)
def test_a_command_works(
    snippet: Snippet, studio: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    module = re.match(r"(?:nohup )?python -m (tests[.\w]*)", snippet.text)
    if module:
        assert importlib.util.find_spec(module[1])
    elif snippet.is_mention:
        _check_words(shlex.split(snippet.text)[1:])
    elif _reason(snippet):
        if snippet.text.startswith("lightstyle "):
            _check_words(shlex.split(snippet.text)[1:])
    elif "|" in snippet.text or ">" in snippet.text:
        _run_by_shell(snippet.text)
    else:
        program, *arguments = shlex.split(snippet.text)
        assert program == "lightstyle", f"{snippet.place}: add a reason to NOT_RUN"
        if "--from" in arguments:
            _publish(Path(arguments[-1]), monkeypatch)
        _clear(arguments)
        _call(_small(arguments))


def _reason(snippet: Snippet) -> str:
    """Why a command is not run; empty if it is."""
    reasons = (NOT_RUN[start] for start in NOT_RUN if snippet.text.startswith(start))
    return "" if "--from" in snippet.text else next(reasons, "")


@pytest.mark.parametrize("start", NOT_RUN)
def test_every_exception_is_still_needed(start: str) -> None:
    assert any(each.text.startswith(start) for each in SNIPPETS if _reason(each))


def _publish(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Put a small file in the place of the official one."""
    path.write_bytes(official.data(path.parent))
    official.patch(monkeypatch, ["https://nowhere/vgg19.h5"], path.read_bytes())
    monkeypatch.setenv(model_folder.CACHE_VARIABLE, "cache")


def _clear(arguments: list[str]) -> None:
    """Remove what a command writes, or would continue."""
    if "--checkpoint" in arguments:
        for path in Path().glob("*.checkpoint*"):
            path.unlink()
    for option, value in pairwise(arguments):
        if option == "-o" and Path(value).is_file():
            Path(value).unlink()


def _small(arguments: list[str]) -> list[str]:
    """The same command at a small size."""
    small, command = [*arguments], arguments[0]
    sized = {*PAINTING, "compare"} - {"texture"}
    if command in sized and not {"--size", "--like"} & {*arguments}:
        small += ["--size", "48"]
    if command in PAINTING and "--iterations" not in arguments:
        small += ["--iterations", "2"]
    for n, option in enumerate(small[:-1]):
        if option in SMALL:
            wide = "x" in small[n + 1]
            small[n + 1] = "48x48" if wide else SMALL[option]
    return small


def _run_by_shell(text: str) -> None:
    """Run a pipe or a redirection."""
    parts = re.split(r"(\s[|>]\s)", text)
    for n, part in enumerate(parts):
        program, *arguments = shlex.split(part) or [""]
        if program == "lightstyle":
            parts[n] = shlex.join([program, *_small(arguments)])
    subprocess.run(["bash", "-euo", "pipefail", "-c", "".join(parts)], check=True)


def _check_words(arguments: list[str]) -> None:
    """Check that a command and its options exist, without running it."""
    command: Any = typer.main.get_command(app)
    words = iter(arguments)
    while hasattr(command, "list_commands"):
        word = next(words, "--help")
        if word.startswith("-"):
            break
        assert word in command.list_commands(None), f"there is no command {word}"
        command = command.get_command(None, word)
    if command.name == "export":  # which has a command line of its own
        command = typer.main.get_command(export_app)
    known = {name for each in command.params for name in each.opts} | {"--help"}
    assert {word for word in words if word.startswith("-")} <= known


@pytest.mark.parametrize(
    "block",
    [
        each
        for path in DOCUMENTS
        for each in documents.blocks(path, "python")
        if path.stem != "service"  # needs a server: tests/lightstyle/service has one
    ],
    ids=lambda block: block.place,
)
def test_python_code_runs(block: Snippet, studio: Path) -> None:
    code = re.sub(r"\b(size|iterations)=\d+", r"\1=48", block.text)
    exec(compile(code, block.place, "exec"), {"__name__": "example"})


def test_python_code_is_typed(tmp_path: Path) -> None:
    page = ROOT / "lightstyle" / "guide" / "python.md"
    for block in documents.blocks(page, "python"):
        (tmp_path / f"line_{block.line}.py").write_text(block.text, "utf-8")
    options = ["--config-file", "pyproject.toml", "--cache-dir", str(tmp_path / "c")]
    files = map(str, tmp_path.glob("*.py"))
    command = [sys.executable, "-m", "mypy", *options, *files]
    done = subprocess.run(command, capture_output=True, text=True, cwd=ROOT)
    assert done.returncode == 0, done.stdout


@pytest.mark.parametrize(
    "block",
    [each for path in DOCUMENTS for each in documents.blocks(path, "toml")],
    ids=lambda block: block.place,
)
def test_a_preset_is_one(block: Snippet, studio: Path) -> None:
    Path("shown.toml").write_text(block.text, "utf-8")
    assert presets.read("shown.toml")


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: str(path)[-30:])
def test_every_link_leads_somewhere(document: Path) -> None:
    for link in documents.links(document):
        assert (document.parent / link.text).exists(), f"{link.place}: {link.text}"


@pytest.mark.parametrize("name", COMMANDS)
def test_the_guide_explains_every_option(name: str) -> None:
    guide = "".join(page.read_text("utf-8") for page in GUIDE)
    command: Any = typer.main.get_command(app)
    command = command.get_command(None, name)
    for option in (each for each in command.params if each.opts[0].startswith("-")):
        assert any(re.search(rf"{o}\b", guide) for o in option.opts), option.opts
    assert "--debug" in guide


@pytest.mark.parametrize("page", GUIDE, ids=lambda path: path.stem)
def test_a_guide_page_begins_with_its_title_and_one_sentence(page: Path) -> None:
    title, empty, summary, after = page.read_text("utf-8").splitlines()[:4]
    assert title.startswith("# ")
    assert (empty, after) == ("", "")
    assert summary.endswith(".")
    assert summary.count(". ") == 0


def test_the_page_about_the_code_names_what_there_is() -> None:
    page = (ROOT / "lightstyle" / "README.md").read_text("utf-8")
    folders = (ROOT / "lightstyle", ROOT)
    for name in re.findall(r"`([\w./-]+(?:\.py|/))`", page):
        assert any((folder / name).exists() for folder in folders), name
    for word, name in re.findall(r"`(\w+)` in `([\w./]+\.py)`", page):
        path = next(each / name for each in folders if (each / name).exists())
        definition = rf"^ *(class |def )?{word}\b"
        assert re.search(definition, path.read_text("utf-8"), re.MULTILINE), word


@pytest.mark.parametrize("name", RESULTS)
def test_a_picture_of_the_gallery_says_how_it_was_made(name: str) -> None:
    assert Record.read(ROOT / "models" / "gallery" / f"{name}.jpg").settings


def test_readme_leads_to_every_guide_page() -> None:
    links = {each.text for each in documents.links(ROOT / "README.md")}
    assert {f"lightstyle/guide/{page.name}" for page in GUIDE} <= links


def test_readme_is_short_and_its_thumbnails_are_small() -> None:
    readme = ROOT / "README.md"
    assert len(readme.read_text("utf-8").splitlines()) <= 200
    pictures = [ROOT / link.text for link in documents.links(readme)]
    for picture in pictures:
        if picture.suffix == ".jpg" and picture.name != "demo.jpg":
            assert picture.stat().st_size <= 30_000, picture
