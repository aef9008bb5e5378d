"""``lightstyle page``: what it prints, and one line for whatever is in its way."""

from pathlib import Path

import pytest

from lightstyle.errors import ExitCode
from lightstyle.site import runtime
from lightstyle.zoo.fetch import OFFLINE_VARIABLE
from tests.conftest import Runner
from tests.support.browser_runtime import fake_dist

#: What npm says where there is no network.
_NO_NETWORK = """\
npm error code ENOTFOUND
npm error syscall getaddrinfo
npm error errno ENOTFOUND
npm error network request to somewhere failed, reason: getaddrinfo ENOTFOUND
npm error network This is a problem related to network connectivity.
"""


@pytest.fixture
def npm(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A program that is called npm, and the only one that is found."""
    programs = tmp_path / "programs"
    programs.mkdir()
    monkeypatch.setenv("PATH", str(programs))
    return programs / "npm"


def _write(npm: Path, script: str) -> None:
    npm.write_text(f"#!/bin/sh\nset -e\n{script}\n")
    npm.chmod(0o700)


def _installs(npm: Path, tmp_path: Path) -> None:
    """Let npm do what it does with a network, and remember what it was told."""
    dist = fake_dist(tmp_path / "dist")
    _write(
        npm,
        "PATH=/usr/bin:/bin\n"
        f'echo "$@" > {tmp_path}/told\n'
        "test -f package.json -a -f package-lock.json\n"
        "mkdir -p node_modules/onnxruntime-web\n"
        f"cp -r {dist} node_modules/onnxruntime-web",
    )


def test_npm_is_called_once_for_all_sites(
    run: Runner, npm: Path, folder: Path, tmp_path: Path
) -> None:
    _installs(npm, tmp_path)
    done = run("page", "-o", "site")
    assert done.code == 0
    assert (tmp_path / "told").read_text().startswith("ci --ignore-scripts ")
    assert "with npm, once" in done.lines[0]
    assert done.out.splitlines()[0].split() == [
        "A",
        "VISITOR",
        "LOADS",
        "RAW",
        "COMPRESSED",
    ]
    npm.unlink()
    again = run("page", "-o", "again")
    assert again.code == 0
    assert again.lines[0].startswith("site again: ")
    assert (Path("site/site.js").read_bytes()) == Path("again/site.js").read_bytes()


def test_without_an_output_it_gets_what_the_server_offers(
    run: Runner, npm: Path, tmp_path: Path
) -> None:
    _installs(npm, tmp_path)
    done = run("page")
    assert "`lightstyle serve` now offers to paint in browsers" in done.lines[1]
    assert runtime.find() == runtime.cached()
    assert run("page", "--quiet").lines == []


def test_files_that_were_deleted_from_the_cache_are_installed_again(
    run: Runner, npm: Path, tmp_path: Path
) -> None:
    _installs(npm, tmp_path)
    assert run("page").code == 0
    (runtime.cached() / "ort.wasm.min.js").unlink()
    assert runtime.find() is None
    assert run("page").code == 0
    assert runtime.find()


@pytest.mark.parametrize(
    ("script", "code", "words"),
    [
        (None, ExitCode.DEVICE, "there is no npm, which installs"),
        (
            f"cat >&2 <<END\n{_NO_NETWORK}END\nexit 1",
            ExitCode.NETWORK,
            "request to some",
        ),
        ("exit 1", ExitCode.NETWORK, "it does not say why"),
        ("exit 0", ExitCode.OUTPUT, "No such file or directory"),
    ],
)
def test_a_runtime_that_cannot_be_had_is_one_line_and_leaves_nothing(
    run: Runner,
    npm: Path,
    folder: Path,
    script: str | None,
    code: ExitCode,
    words: str,
) -> None:
    if script is not None:
        _write(npm, f"PATH=/usr/bin:/bin\n{script}")
    before = sorted(folder.iterdir())
    done = run("page", "-o", "site", "--quiet")
    assert done.code == code
    assert len(done.lines) == 1
    assert words in done.lines[0]
    assert sorted(folder.iterdir()) == before
    assert [*runtime.cached().parent.iterdir()] == []


def test_offline_it_needs_a_runtime_that_is_there(
    run: Runner, npm: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    _installs(npm, tmp_path)
    monkeypatch.setenv(OFFLINE_VARIABLE, "1")
    refused = run("page", "--quiet")
    assert refused.code == ExitCode.NETWORK
    assert refused.lines[0].startswith("error: ONNX Runtime for browsers is not in")
    monkeypatch.delenv(OFFLINE_VARIABLE)
    assert run("page", "--quiet").code == 0
    monkeypatch.setenv(OFFLINE_VARIABLE, "1")
    assert run("page", "--quiet").code == 0


def test_an_output_that_is_in_use_is_refused_before_npm_is_called(
    run: Runner, npm: Path, folder: Path
) -> None:
    done = run("page", "-o", ".")
    assert done.code == ExitCode.OUTPUT
    assert done.lines == [
        "error: cannot write .: the folder is not empty; name a new one, or remove "
        "what is in it"
    ]
