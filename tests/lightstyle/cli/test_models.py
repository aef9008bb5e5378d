import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from lightstyle.errors import ExitCode
from lightstyle.signals import SIGNALS
from lightstyle.zoo import known, registry
from lightstyle.zoo.cache_files import part_path
from tests.conftest import Runner
from tests.support import http_server as http
from tests.support import official
from tests.support.http_server import Site
from tests.support.processes import run_script, start_script, wait_for

HALF = 10_000


@pytest.fixture
def _no_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(time, "sleep", lambda seconds: None)


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Site]:
    """The one mirror of tiny weights that are called vgg19."""
    data = official.data(tmp_path)
    with http.serving(data) as site:
        official.patch(monkeypatch, [site.url], data)
        yield site


def test_the_list_says_what_can_be_fetched_and_what_is_here(
    run: Runner, site: Site
) -> None:
    before = run("models", "list")
    assert before.code == ExitCode.OK
    head, lite, vgg19, torchvision = before.out.splitlines()
    assert head.split() == ["NAME", "WHAT", "SIZE", "LICENCE", "HERE"]
    assert lite.startswith("vgg19-lite ")
    assert vgg19.startswith("vgg19 ")
    assert "CC BY 4.0" in vgg19
    assert vgg19.endswith(" no")
    assert "575 MB" in torchvision
    run("models", "fetch")
    after = run("models", "list").out.splitlines()
    assert [line.rpartition(" ")[2] for line in after[2:]] == ["yes", "no"]
    registry.cached("vgg19").unlink()
    assert run("models", "list").out.splitlines()[2].endswith(" weights")


def test_what_was_fetched_has_a_path_and_verifies(run: Runner, site: Site) -> None:
    fetched = run("models", "fetch", "vgg19")
    assert fetched.code == ExitCode.OK
    assert fetched.out == ""
    assert str(registry.cached("vgg19")) in fetched.lines[-1]
    assert any("100 %" in line for line in fetched.lines)
    assert len(fetched.lines) <= 12
    found = run("models", "path")
    assert found.out == f"{registry.cached('vgg19')}\n"
    checked = run("models", "verify")
    assert checked.code == ExitCode.OK
    assert [line.split()[0] for line in checked.out.splitlines()] == ["ok", "ok"]


@pytest.mark.usefixtures("_no_pauses")
def test_quiet_says_nothing_though_things_go_wrong(run: Runner, site: Site) -> None:
    site.script = [http.cut(HALF)]
    done = run("models", "fetch", "--quiet")
    assert (done.code, done.out, done.lines) == (ExitCode.OK, "", [])


@pytest.mark.usefixtures("_no_pauses")
def test_without_quiet_it_says_that_it_tries_again(run: Runner, site: Site) -> None:
    site.script = [http.cut(HALF)]
    done = run("models", "fetch")
    (line,) = [line for line in done.lines if "trying again" in line]
    assert f"broke off after {HALF} of" in line


def test_on_a_terminal_there_is_a_bar(
    run: Runner, site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True)
    done = run("models", "fetch")
    assert done.code == ExitCode.OK
    assert not any(line.startswith("vgg19 ") for line in done.lines)
    assert any("━" in line for line in done.lines)


FAILURES: dict[str, tuple[list[str], ExitCode, str]] = {
    "unknown weights": (["fetch", "vgg99"], ExitCode.USAGE, "vgg19-torchvision"),
    "offline": (["fetch", "--offline"], ExitCode.NETWORK, "network is off"),
    "forbidden": (["fetch", "--quiet"], ExitCode.NETWORK, "403"),
    "no copy": (["fetch", "--from", "no.h5"], ExitCode.MODEL, "no.h5"),
    "foreign copy": (["fetch", "--from", "some.h5"], ExitCode.MODEL, "expected MD5"),
    "ftp": (["fetch", "--from", "ftp://x/y"], ExitCode.USAGE, "https://"),
    "model not fetched": (["path", "vgg19"], ExitCode.MODEL, "models fetch vgg19"),
    "model of nobody": (["path", "mine"], ExitCode.MODEL, "lightstyle info"),
    "nothing to verify": (["verify", "vgg19"], ExitCode.MODEL, "vgg19.onnx"),
}


@pytest.mark.parametrize("case", FAILURES)
def test_a_failure_is_one_line_and_a_code(
    run: Runner,
    site: Site,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    case: str,
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("some.h5").write_bytes(b"something else")
    site.after = http.status(403)
    arguments, code, words = FAILURES[case]
    done = run("models", *arguments)
    assert done.code == code
    assert len(done.lines) == 1
    assert done.lines[0].startswith("error: ")
    assert words in done.lines[0]
    assert done.out == ""


def test_debug_shows_the_traceback_of_a_fetch(run: Runner, site: Site) -> None:
    done = run("models", "fetch", "--offline", "--debug")
    assert done.code == ExitCode.NETWORK
    assert any("Traceback" in line for line in done.lines)


def test_help_imports_nothing_that_is_slow() -> None:
    script = (
        "import sys\n"
        "from lightstyle.cli.app import main\n"
        "try:\n    main(['models', '--help'])\n"
        "finally:\n    print(*sys.modules)"
    )
    done = run_script(script)
    assert "fetch" in done.stdout
    imported = set(done.stdout.splitlines()[-1].split())
    assert imported.isdisjoint({"urllib.request", "ssl", "onnxruntime", "scipy"})


_SCRIPT = """
import sys
from lightstyle.cli.start import main
from lightstyle.digest import Expected
from tests.support import official
url, size, digest = sys.argv[1:]
official.install([url], Expected(int(size), "md5", digest))
sys.argv[1:] = ["models", "fetch"]
main()
"""


def _fetching(site: Site) -> subprocess.Popen[str]:
    """The command in a process of its own."""
    expected = known.KNOWN["vgg19"].expected
    arguments = [site.url, expected.size, expected.digest]
    return start_script(_SCRIPT, *arguments, stderr=subprocess.PIPE)


def _half_is_there() -> bool:
    part = part_path(known.KNOWN["vgg19"].path)
    return part.exists() and part.stat().st_size == HALF


@pytest.mark.skipif(sys.platform == "win32", reason="signals are other ones there")
@pytest.mark.parametrize(
    ("number", "words"),
    [*zip(SIGNALS, ["interrupted", "terminated", "the terminal"], strict=True)],
)
def test_a_signal_keeps_what_came_and_says_so(
    run: Runner, site: Site, number: signal.Signals, words: str
) -> None:
    site.script = [http.stall(HALF)]
    with _fetching(site) as process:
        wait_for(_half_is_there)
        process.send_signal(number)
        assert process.stderr is not None
        line = process.stderr.read().splitlines()[-1]
    assert process.returncode == 128 + number
    assert line.startswith(words)
    assert str(part_path(known.KNOWN["vgg19"].path)) in line
    assert run("models", "fetch").code == ExitCode.OK
    assert site.ranges == ["", f"bytes={HALF}-"]


def test_after_a_kill_the_same_command_goes_on(run: Runner, site: Site) -> None:
    site.script = [http.stall(HALF)]
    with _fetching(site) as process:
        wait_for(_half_is_there)
        process.kill()
    assert not registry.cached("vgg19").exists()
    done = run("models", "fetch")
    assert done.code == ExitCode.OK
    assert not any("waiting" in line for line in done.lines)
    assert site.ranges == ["", f"bytes={HALF}-"]
    assert run("models", "verify").code == ExitCode.OK


def test_two_processes_at_once_make_one_download(run: Runner, site: Site) -> None:
    site.script = [http.pause(HALF)]
    with _fetching(site) as first:
        wait_for(_half_is_there)
        with _fetching(site) as second:
            assert second.stderr is not None
            assert "waiting for it" in second.stderr.readline()
            site.release.set()
            for process in (first, second):
                process.communicate()
    assert (first.returncode, second.returncode) == (ExitCode.OK, ExitCode.OK)
    assert site.ranges == [""]
