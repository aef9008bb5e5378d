import re
import shlex
import sys
from importlib import import_module
from pathlib import Path

import pytest

import lightstyle
from lightstyle.cli.app import COMMANDS
from lightstyle.errors import ExitCode
from lightstyle.settings.settings import Settings
from lightstyle.zoo import registry
from tests.conftest import Runner
from tests.support.processes import ROOT, run_script


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
        *("Arguments:", "Output:", "Many machines:", "Size and effort:"),
        *(
            "Style and content:",
            "Colours:",
            "Masks and regions:",
            "Start and optimiser:",
        ),
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
    [("--swirls", "lightstyle stylize --help"), ("--style-wieght", "--style-weight")],
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


def test_somebody_elses_export_module_is_not_run(
    studio: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (studio / "export.py").write_text("raise SystemExit('ran')")
    monkeypatch.syspath_prepend(str(studio))
    monkeypatch.delitem(sys.modules, "export")
    assert registry.exporter() is None
