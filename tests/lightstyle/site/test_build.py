"""The page as a static site: whole, of one version, and nothing half made."""

import base64
import hashlib
import json
import re
from pathlib import Path

import pytest

from lightstyle.errors import ModelError, OutputError, UsageError
from lightstyle.settings.fields import FIELDS, take
from lightstyle.site import build, parts, runtime
from lightstyle.site.devices import DEVICES
from lightstyle.zoo import registry
from tests.support.browser_runtime import fake_dist


@pytest.fixture
def ort(tmp_path: Path) -> Path:
    folder = tmp_path / "cached" / "ort"
    folder.parent.mkdir()
    runtime.install(fake_dist(tmp_path / "dist"), folder)
    return folder


@pytest.fixture
def site(tmp_path: Path, ort: Path) -> Path:
    build.build(build.check(tmp_path / "site"), ort)
    return tmp_path / "site"


def _listed(site: Path) -> dict[str, str]:
    text = (site / "site.js").read_text()
    found = json.loads(text.removeprefix("self.SITE = ").rstrip().removesuffix(";"))
    files: dict[str, str] = found["files"]
    return files


def test_the_service_worker_knows_every_file_by_its_digest(site: Path) -> None:
    listed = _listed(site)
    there = {p.relative_to(site).as_posix() for p in site.rglob("*") if p.is_file()}
    assert {*listed} == there - {"sw.js", "site.js"}
    for name, digest in listed.items():
        data = hashlib.sha256((site / name).read_bytes()).digest()
        assert digest == f"sha256-{base64.b64encode(data).decode()}"


def test_the_version_changes_with_any_file(
    site: Path, tmp_path: Path, ort: Path
) -> None:
    def version(folder: Path) -> str:
        found = re.search(r'"version": "(\w+)"', (folder / "site.js").read_text())
        assert found
        return found[1]

    build.build(tmp_path / "same", ort)
    assert version(tmp_path / "same") == version(site)
    (ort / "ort.wasm.min.js").write_text("// another")
    build.build(tmp_path / "other", ort)
    assert version(tmp_path / "other") != version(site)


def test_a_static_site_has_nothing_of_a_server(site: Path) -> None:
    engines = json.loads((site / "page/engines.json").read_text())
    assert engines == {"server": False, "device": True}
    assert not (site / "page/server.js").exists()
    assert not [*site.rglob("package*.json")]


def test_what_a_device_needs_is_there_and_counted_for_it(
    tmp_path: Path, ort: Path
) -> None:
    files = build.build(tmp_path / "site", ort)
    asked = json.loads((tmp_path / "site/page/settings.json").read_text())
    assert {*asked["devices"]} == {*DEVICES}
    for name, about in asked["devices"].items():
        assert {path for path in files if name in files[path].devices} == {
            *about["files"]
        }
        assert all((tmp_path / "site" / path).is_file() for path in about["files"])
    weights = files["page/model/vgg19-lite.safetensors"]
    assert weights.raw > weights.compressed > 6e6
    assert weights.devices == {*DEVICES}


def test_the_settings_are_those_of_the_table_with_the_limits_of_devices() -> None:
    asked = json.loads(parts.settings())
    properties = asked["settings"]["properties"]
    assert [*properties] == [*FIELDS]
    assert properties["size"]["maximum"] == 1024
    assert (asked["formats"], asked["models"]) == (["png"], ["vgg19-lite"])
    for name, device in DEVICES.items():
        own = asked["devices"][name]["settings"]
        assert own["size"] == {"default": device.size, "maximum": device.largest}
        assert own["iterations"] == {"default": device.iterations}
    assert DEVICES["webgpu"].iterations == properties["iterations"]["default"]
    for values in asked["presets"].values():
        for name, value in values.items():
            take(name, value)


def test_a_folder_that_is_empty_or_missing_is_made(tmp_path: Path, ort: Path) -> None:
    (tmp_path / "empty").mkdir()
    for name in ("empty", "new", "deep/down/site"):
        build.build(build.check(tmp_path / name), ort)
        assert (tmp_path / name / "index.html").is_file()


def test_nothing_is_written_into_a_folder_with_something_in_it(tmp_path: Path) -> None:
    (tmp_path / "mine.txt").write_text("mine")
    with pytest.raises(OutputError, match="the folder is not empty"):
        build.check(tmp_path)
    with pytest.raises(OutputError, match="this is a file"):
        build.check(tmp_path / "mine.txt")
    with pytest.raises(UsageError, match="NUL"):
        build.check(Path("a\0b"))
    assert [path.name for path in tmp_path.iterdir()] == ["mine.txt"]


@pytest.mark.skipif(not Path("/proc/self").is_dir(), reason="needs Linux")
def test_a_folder_that_cannot_be_written_is_refused_before_the_work() -> None:
    with pytest.raises(OutputError, match="cannot write /proc/self/site: "):
        build.check(Path("/proc/self/site"))


def test_a_site_that_fails_leaves_nothing(
    tmp_path: Path, ort: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Be it that the disk is full, or that a file of the package is missing."""
    place = tmp_path / "place"
    place.mkdir()

    def fail(*_: object) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patched:
        patched.setattr(Path, "write_bytes", fail)
        with pytest.raises(OutputError, match="No space left"):
            build.build(place / "site", ort)
    monkeypatch.setattr(registry, "bundled", lambda: tmp_path / "gone.onnx")
    with pytest.raises(ModelError, match="does not exist: install lightstyle again"):
        build.build(place / "site", ort)
    assert [*place.iterdir()] == []
