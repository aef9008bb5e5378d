import json
import re
import shlex
import signal
import sys
from importlib import import_module
from pathlib import Path

import pytest
from PIL import Image

import lightstyle
from lightstyle import Progress
from lightstyle.cli.app import COMMANDS
from lightstyle.cli.progress import Interrupt
from lightstyle.errors import ExitCode, OutputError
from lightstyle.settings.settings import Settings
from lightstyle.zoo import registry
from tests.conftest import Runner
from tests.support.networks import break_evaluation
from tests.support.processes import ROOT, run_script, start, wait_for

QUICK = ["--size", "48", "--iterations", "4"]


def _size(path: str) -> tuple[int, int]:
    with Image.open(path) as image:
        return image.size


def test_stylize_writes_a_picture(run: Runner, studio: Path) -> None:
    done = run("stylize", "content.png", "style.png", "-o", "out.png", *QUICK)
    assert done.code == ExitCode.OK
    assert done.out == ""
    assert _size("out.png") == (48, 32)
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
    assert _size("out.jpg") == (48, 32)


def test_a_texture_has_the_size_asked_for(run: Runner, studio: Path) -> None:
    options = ["--size", "40x56", "--iterations", "3", "-o", "out.tif"]
    assert run("texture", "style.png", *options).code == 0
    assert _size("out.tif") == (40, 56)


def test_the_log_has_an_object_for_every_evaluation(run: Runner, studio: Path) -> None:
    options = ["-o", "out.png", "--log", "log.jsonl", *QUICK]
    assert run("stylize", "content.png", "style.png", *options).code == 0
    entries = [json.loads(line) for line in Path("log.jsonl").read_text().splitlines()]
    assert [entry["evaluation"] for entry in entries] == [1, 2, 3, 4]
    for entry in entries:
        terms = [value for name, value in entry.items() if "_loss" in name]
        assert len(terms) == 6
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


def test_every_setting_is_an_option_with_its_default(run: Runner) -> None:
    shown = "".join(run("stylize", "--help").out.split())  # lines break anywhere
    for name, default in Settings().as_dict().items():
        assert f"--{name.replace('_', '-')}" in shown
        assert default in (False, None, []) or f"[default:{default}]" in shown


@pytest.mark.parametrize("command", [[], ["--help"]])
def test_help_lists_every_command_and_points_to_the_guide(
    run: Runner, command: list[str]
) -> None:
    done = run(*command)
    assert done.code == 0
    for name, summary in COMMANDS.items():
        assert f"  {name:7}  {summary}\n" in done.out
    assert "lightstyle guide" in done.out.splitlines()[-1]
    assert "…" not in done.out
    assert "..." not in done.out.partition("Commands:")[2]


@pytest.mark.parametrize("name", sorted(set(COMMANDS) - {"export"}))
def test_help_begins_with_the_summary_and_ends_with_examples(
    run: Runner, name: str
) -> None:
    shown = run(name, "--help").out
    assert f"\n\n  {COMMANDS[name]}\n" in shown
    if name != "models":
        examples = shown.partition("Examples:\n")[2].replace("\\\n", "")
        for example in examples.splitlines():
            program, command, *arguments = shlex.split(example)
            assert program == "lightstyle"
            _parse(command, arguments)


def _parse(command: str, arguments: list[str]) -> None:
    module = import_module(f"lightstyle.cli.{command}")
    if ">" in arguments:
        arguments = arguments[: arguments.index(">")]
    getattr(module, command).make_context(command, arguments)


def test_options_appear_in_named_groups(run: Runner) -> None:
    shown = run("stylize", "--help").out
    titles = [line for line in shown.splitlines() if line[:1].strip() and ":" in line]
    assert titles[1:] == [
        *("Arguments:", "Output:", "Size and effort:", "Style and content:"),
        *("Colours:", "Masks and regions:", "Start and optimiser:"),
        *("Settings from elsewhere:", "Model, device and memory:", "Interruptions:"),
        *("General:", "Examples:"),
    ]
    colours = shown.partition("Colours:\n")[2].partition("\n\n")[0]
    assert "--color " in colours
    assert "--size" not in colours


def test_the_version_is_printed(run: Runner) -> None:
    done = run("--version")
    assert (done.code, done.out) == (0, f"lightstyle {lightstyle.__version__}\n")


def test_a_command_that_is_almost_one_is_recognised(run: Runner) -> None:
    done = run("stylise", "content.png")
    assert done.code == ExitCode.USAGE
    assert done.lines == ["error: there is no command stylise: did you mean stylize?"]


@pytest.mark.parametrize(
    ("option", "words"),
    [("--strength", "lightstyle stylize --help"), ("--style-wieght", "--style-weight")],
)
def test_an_option_that_is_not_there_leads_to_those_that_are(
    run: Runner, option: str, words: str
) -> None:
    done = run("stylize", "content.png", "style.png", option, "3")
    assert done.code == ExitCode.USAGE
    assert words in done.lines[0]


def test_without_the_exporter_its_help_says_how_to_install_it(
    run: Runner, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(registry, "_EXPORTERS", ())
    done = run("export", "--help")
    assert done.code == ExitCode.OK
    assert len(done.out.splitlines()) == 1
    assert "pip install" in done.out
    assert run("export", "--weights", "a.h5").code == ExitCode.USAGE


STYLIZE = ["stylize", "content.png", "style.png", *QUICK, "--quiet"]


def test_a_result_without_a_name_never_replaces_another(
    run: Runner, studio: Path
) -> None:
    for _ in range(3):
        assert run(*STYLIZE).code == 0
    (studio / "results").mkdir()
    for _ in range(2):
        assert run(*STYLIZE, "-o", "results").code == 0
    assert run("texture", "style.png", "--size=40x40", "--iterations=2").code == 0
    assert run("content", "content.png", *QUICK).code == 0
    made = {str(p.relative_to(studio)) for p in studio.rglob("*.png")}
    assert made == {
        *("content.png", "style.png", "style-texture.png", "content-content.png"),
        *("content-style.png", "content-style-2.png", "content-style-3.png"),
        *("results/content-style.png", "results/content-style-2.png"),
    }


def test_a_folder_that_is_not_there_is_said_to_be_missing(
    run: Runner, studio: Path
) -> None:
    done = run(*STYLIZE, "-o", "results/")
    assert done.code == ExitCode.USAGE
    assert "-o results: there is no such folder; create it first" in done.lines[0]


def test_a_result_lies_beside_its_content(run: Runner, studio: Path) -> None:
    (studio / "photos").mkdir()
    Path("content.png").rename("photos/content.png")
    done = run("stylize", "photos/content.png", "style.png", *QUICK)
    assert "photos/content-style.png: 48x32" in done.lines[-1]
    assert _size("photos/content-style.png") == (48, 32)


def test_a_name_that_was_taken_during_the_run_is_not_replaced(
    run: Runner, studio: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def taken(progress: Progress) -> None:
        Path("content-style.png").write_bytes(b"somebody else's")

    monkeypatch.setattr(Interrupt, "__call__", lambda _, progress: taken(progress))
    done = run("stylize", "content.png", "style.png", *QUICK)
    assert "content-style-2.png: 48x32" in done.lines[-1]
    assert Path("content-style.png").read_bytes() == b"somebody else's"


def test_a_blend_that_nobody_asked_for_is_announced(run: Runner, studio: Path) -> None:
    Path("second.png").write_bytes(Path("style.png").read_bytes())
    blend = ["stylize", "content.png", "style.png", "second.png", *QUICK]
    done = run(*blend)
    assert done.code == 0
    assert "content-blend.png" in done.lines[-1]
    (line,) = [line for line in done.lines if line.startswith("note: ")]
    assert "style.png, second.png are styles, blended equally" in line
    assert "lightstyle batch" in line
    asked = run(*blend, "--blend", "1,1")
    assert not any(line.startswith("note: ") for line in asked.lines)
    assert run(*blend, "--quiet").lines == []


def test_photographs_of_a_pattern_are_not_taken_as_styles(
    run: Runner, studio: Path
) -> None:
    photos = [f"photos/{number}.png" for number in range(3)]
    Path("photos").mkdir()
    for path in photos:
        Path(path).write_bytes(Path("content.png").read_bytes())
    done = run("stylize", *photos, "style.png", *QUICK)
    assert done.code == ExitCode.USAGE
    (line,) = done.lines
    assert "got 3 styles, 2 of them from the folder of the content" in line
    assert "lightstyle batch" in line
    assert run("stylize", *photos, "style.png", "--blend=1,1,1", *QUICK).code == 0


def test_a_result_from_stdin_needs_a_name(run: Runner, studio: Path) -> None:
    done = run("stylize", "-", "style.png")
    assert done.code == ExitCode.USAGE
    assert done.lines == ["error: content -: name the picture to write with -o"]


def test_the_demonstration_needs_nothing_but_the_package(
    run: Runner, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("lightstyle.cli.demo.DEMO", Settings(size=48, iterations=2))
    done = run("demo")
    assert done.code == 0
    assert "vgg19-lite.onnx on" in done.lines[0]
    assert max(_size("lightstyle-demo.png")) == 48
    assert run("demo").code == 0
    assert max(_size("lightstyle-demo-2.png")) == 48


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
    assert _size("out.png") == (60, 40)


@pytest.mark.parametrize("command", [[], ["stylize"], ["batch"], ["models"]])
def test_help_imports_nothing_heavy(command: list[str]) -> None:
    script = (
        "import sys, lightstyle.cli.app\n"
        f"try: lightstyle.cli.app.main([*{command}, '--help'])\n"
        "except SystemExit: pass\n"
        "heavy = {'scipy', 'onnxruntime', 'onnx', 'export', 'torch', 'rich'}\n"
        "print(sorted(heavy & set(sys.modules)), file=sys.stderr)\n"
    )
    done = run_script(script)
    assert done.stderr.strip() == "[]"


def test_an_old_python_is_named_at_once() -> None:
    script = (
        "import runpy, sys\n"
        "sys.version_info = (3, 10, 12, 'final', 0)\n"
        f"runpy.run_path({str(ROOT / 'cli.py')!r}, run_name='__main__')\n"
    )
    done = run_script(script)
    assert done.returncode == 1
    assert done.stderr.splitlines() == [
        "Lightstyle needs Python 3.11 or newer; this is Python 3.10.12"
    ]


@pytest.mark.parametrize(("version", "code"), [((3, 10, 12), 1), ((3, 11, 0), 0)])
def test_the_first_command_of_the_readme_checks_the_python(
    version: tuple[int, ...], code: int
) -> None:
    readme = (ROOT / "README.md").read_text("utf-8")
    check = re.search(r"^python3 -c '([^']+)' && ", readme, re.MULTILINE)
    assert check
    done = run_script(f"import sys\nsys.version_info = {version}\n{check[1]}")
    assert done.returncode == code
    assert ("needs Python 3.11" in done.stderr) == bool(code)


def test_the_list_of_commands_needs_neither_numpy_nor_pillow() -> None:
    script = (
        "import sys, lightstyle.cli.app\n"
        "try: lightstyle.cli.app.main(['--help'])\n"
        "except SystemExit: pass\n"
        "print(sorted({'numpy', 'PIL'} & set(sys.modules)), file=sys.stderr)\n"
    )
    assert run_script(script).stderr.strip() == "[]"


def test_a_save_that_fails_does_not_lose_the_picture(
    run: Runner, studio: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*arguments: object, **others: object) -> None:
        raise OutputError("cannot write out_0002.png: No space left on device")

    monkeypatch.setattr(Progress, "save", full)
    options = ["-o", "out.png", "--save-every", "2", *QUICK]
    done = run("stylize", "content.png", "style.png", *options)
    assert done.code == ExitCode.OUTPUT
    assert "out_0002.png" in done.lines[-1]
    assert _size("out.png") == (48, 32)


def test_a_loss_that_breaks_off_leaves_the_picture_and_exits_7(
    run: Runner, studio: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    break_evaluation(monkeypatch, 3)
    options = ["-o", "out.png", "--log", "log.jsonl", "--quiet", *QUICK]
    done = run("stylize", "content.png", "style.png", *options)
    assert done.code == ExitCode.TRANSFER
    assert "at iteration 3" in done.lines[-1]
    assert _size("out.png") == (48, 32)
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
    assert _size("out.png") == (48, 32)


def test_intermediate_pictures_keep_transparency(run: Runner, studio: Path) -> None:
    with Image.open("content.png") as opened:
        image = opened.convert("RGBA")
    image.putalpha(77)
    image.save("clear.png")
    options = ["-o", "out.png", "--save-every", "4", *QUICK]
    assert run("stylize", "clear.png", "style.png", *options).code == 0
    assert Path("out_0004.png").read_bytes() == Path("out.png").read_bytes()


def test_somebody_elses_export_module_is_not_run(
    studio: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (studio / "export.py").write_text("raise SystemExit('ran')")
    monkeypatch.syspath_prepend(str(studio))
    monkeypatch.delitem(sys.modules, "export")
    assert registry.exporter() is None


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
