"""The site on the web servers that people have: threads, offline, newer versions."""

import re
import shutil
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from lightstyle.records.record import Record
from lightstyle.settings.settings import Settings
from lightstyle.site import build
from lightstyle.site import runtime as cached
from lightstyle.site.devices import DEVICES
from tests.support.page import Open, choose, paint
from tests.support.processes import wait_for
from tests.support.serving import serving
from tests.support.sites import WebServer, nginx, plain

if TYPE_CHECKING:
    from playwright.sync_api import Page

pytestmark = pytest.mark.browser

#: Serves a folder, given a folder for its own files.
Serve = Callable[[Path, Path], AbstractContextManager[WebServer]]


def _plain(folder: Path, work: Path) -> AbstractContextManager[WebServer]:
    return plain(folder)


def _with_headers(folder: Path, work: Path) -> AbstractContextManager[WebServer]:
    return nginx(folder, work)


@pytest.mark.parametrize("serve", [_plain, _with_headers])
@pytest.mark.parametrize("at", ["art/site", ""])
def test_after_one_visit_it_paints_with_threads_and_without_the_server(
    serve: Serve, at: str, root: Path, pages: Open, tmp_path: Path
) -> None:
    """In a folder of the server, and at its top."""
    folder = root if at else root / "art" / "site"
    with serve(folder, tmp_path / "work") as server:
        page = pages(f"{server.url}{at}{'/' if at else ''}")
        assert page.evaluate("crossOriginIsolated")
        _wait_until_kept(page)
        server.stop()
        page.reload()
        page.wait_for_selector("#where-about:has-text('No picture leaves')")
        assert re.search(r"wasm, \d+ thread", page.inner_text("#where-about"))
        assert page.evaluate("crossOriginIsolated")
        choose(page, 48, 3)
        paint(page, until="Finished")
        with page.expect_download() as download:
            page.click(".label >> text='Download'")
        download.value.save_as("told.png")
        server.start()
    assert Record.read("told.png").settings.iterations == 3


def test_the_page_of_a_server_offers_the_device_beside_it(
    pages: Open, tmp_path: Path, tiny_model: Path, runtime: Path
) -> None:
    shutil.copytree(runtime, cached.cached())
    with serving(tmp_path / "data", tiny_model) as server:
        assert "lightstyle page" not in server.said()
        page = pages(str(server.client.base_url), ready="#set-size")
        assert page.is_checked("[value=server]")
        assert page.input_value("#set-iterations") == str(Settings().iterations)
        page.click("text=This device")
        page.wait_for_selector("#where-about:has-text('No picture leaves')")
        proposed = str(DEVICES["wasm"].iterations)
        assert page.input_value("#set-iterations") == proposed
        assert page.evaluate("crossOriginIsolated")
        choose(page, 48, 3)
        id_ = paint(page, until="Finished")
        assert id_.startswith("device-")
        assert server.client.get("/v1/jobs").json()["jobs"] == []
        page.click("nav >> text=New picture")
        page.click(".place >> text=The server")
        page.wait_for_selector("#set-model", state="attached")
        paint(page, until="Finished")
        assert len(server.client.get("/v1/jobs").json()["jobs"]) == 1
        page.click("nav >> text=Gallery")
        page.wait_for_selector("#wall li >> nth=1")
        page.reload()
        page.wait_for_selector("#wall li >> nth=1")


def test_a_server_without_the_runtime_says_how_to_get_it(
    tmp_path: Path, tiny_model: Path, browser: Any
) -> None:
    with serving(tmp_path / "data", tiny_model) as server:
        assert "run `lightstyle page` once" in server.said()


@pytest.fixture
def changing(runtime: Path, tmp_path: Path) -> Iterator[tuple[WebServer, Path, Path]]:
    """A site that is changed: its server, its folder, and a newer version of it."""
    folder, newer = tmp_path / "site", tmp_path / "newer"
    build.build(folder, runtime)
    changed = tmp_path / "ort"
    shutil.copytree(runtime, changed)
    (changed / "ort.wasm.min.js").write_bytes(
        b"// newer\n" + (runtime / "ort.wasm.min.js").read_bytes()
    )
    build.build(newer, changed)
    with plain(folder) as server:
        yield server, folder, newer


def test_a_newer_version_takes_over_as_a_whole(
    changing: tuple[WebServer, Path, Path], pages: Open
) -> None:
    server, folder, newer = changing
    page = pages(server.url)
    _wait_until_kept(page)
    shutil.copytree(newer, folder, dirs_exist_ok=True)
    page.evaluate("navigator.serviceWorker.ready.then((found) => found.update())")
    page.wait_for_selector("#newer")
    assert not _is_newer(page)  # all that this page gets is of one version
    with page.expect_event("framenavigated"):
        page.click("#newer button")
    page.wait_for_selector("#where-about:has-text('No picture leaves')")
    assert _is_newer(page)
    assert page.is_hidden("#newer")


def test_a_version_that_is_half_there_is_not_taken(
    changing: tuple[WebServer, Path, Path], pages: Open
) -> None:
    server, folder, newer = changing
    page = pages(server.url)
    _wait_until_kept(page)
    for name in ("sw.js", "site.js"):  # and the file that is newer is still to come
        shutil.copy(newer / name, folder)
    page.evaluate(
        "navigator.serviceWorker.ready.then((found) => found.update()).catch(() => {})"
    )
    page.wait_for_timeout(1000)
    page.reload()
    page.wait_for_selector("#where-about:has-text('No picture leaves')")
    assert not _is_newer(page)
    wait_for(lambda: page.evaluate("caches.keys().then(({ length }) => length)") == 1)


def test_it_can_be_installed_like_an_app(root: Path, pages: Open) -> None:
    with plain(root) as server:
        page = pages(f"{server.url}art/site/")
        browser = page.context.new_cdp_session(page)
        assert browser.send("Page.getAppManifest")["errors"] == []
        errors = browser.send("Page.getInstallabilityErrors")["installabilityErrors"]
        # Only since the browser of a test forgets all.
        assert [each["errorId"] for each in errors] == ["in-incognito"]


def _is_newer(page: "Page") -> bool:
    """Whether a file, as this page gets it, is the newer one."""
    path = "'page/ort/ort.wasm.min.js'"
    text = page.evaluate(f"fetch({path}).then((found) => found.text())")
    return str(text).startswith("// newer")


def _wait_until_kept(page: "Page") -> None:
    """Wait until all that the device needs is in the browser's store."""
    wait_for(lambda: page.evaluate(_IS_KEPT))


_IS_KEPT = """
async () => {
  const { devices } = await (await fetch("page/settings.json")).json();
  const [name] = await caches.keys();
  const kept = await (await caches.open(name)).keys();
  const urls = kept.map(({ url }) => url.split("?")[0]);
  return devices.wasm.files.every((file) => urls.some((url) => url.endsWith(file)));
}
"""
