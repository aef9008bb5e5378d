"""The files of the page, and what its routes give it."""

import json
import re
from pathlib import Path

import pytest

from lightstyle.site.parts import PAGE, page_files
from tests.lightstyle.service.conftest import Apps
from tests.support.service import App
from tests.support.serving import form

FILES = page_files()
TYPES = {
    ".css": "text/css; charset=utf-8",
    ".html": "text/html; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".png": "image/png",
    ".svg": "image/svg+xml",
    ".webmanifest": "application/manifest+json",
}


@pytest.mark.parametrize("name", FILES.keys() - {"sw.js"})
def test_a_browser_takes_every_file_and_asks_again_for_newer_ones(
    name: str, app: App
) -> None:
    answer = app.client.get("/" if name == "index.html" else f"/{name}")
    assert answer.status_code == 200
    assert answer.headers["content-type"] == TYPES[Path(name).suffix]
    assert answer.headers["cache-control"] == "no-cache"
    known = {"If-None-Match": answer.headers["etag"]}
    if name != "index.html":
        assert app.client.get(f"/{name}", headers=known).status_code == 304


@pytest.mark.parametrize("name", FILES)
def test_the_policy_of_the_page_forbids_nothing_in_it(name: str) -> None:
    if FILES[name].suffix == ".png":
        return
    text = FILES[name].read_text("utf-8")
    if name.endswith(".html"):
        assert not re.search(r"<script(?![^>]*\bsrc=)|<style|\sstyle=|\son\w+=", text)
    if name.endswith(".js"):
        assert not re.search(
            r"\beval\(|new Function|\.innerHTML|setAttribute\(.style", text
        )
    if not name.endswith(".svg"):
        assert not re.search(r"(?:src|href|import|url).{0,10}https?://", text)


@pytest.mark.parametrize("name", [name for name in FILES if name.endswith(".js")])
def test_every_module_that_is_imported_is_there_at_any_address(name: str) -> None:
    folder = FILES[name].parent
    for wanted in re.findall(r'(?:from |import\()"([^"]+)"', FILES[name].read_text()):
        assert wanted.startswith(".")
        assert (folder / wanted).is_file()


def test_all_that_the_page_names_is_there_at_any_address() -> None:
    text = (PAGE / "index.html").read_text("utf-8")
    wanted = re.findall(r'(?:src|href)="([^#"]+)"', text)
    assert len(wanted) > 4
    assert {*wanted} <= FILES.keys()
    about = json.loads((PAGE / "lightstyle.webmanifest").read_text("utf-8"))
    assert all((PAGE / icon["src"]).is_file() for icon in about["icons"])
    assert about["scope"] == about["start_url"] == "../"


def test_the_page_may_have_threads_and_compile_wasm_but_nothing_of_others(
    app: App,
) -> None:
    headers = app.client.get("/").headers
    assert headers["cross-origin-opener-policy"] == "same-origin"
    assert headers["cross-origin-embedder-policy"] == "require-corp"
    policy = headers["content-security-policy"]
    assert "script-src 'self' 'wasm-unsafe-eval'" in policy
    assert "http" not in policy


def test_a_server_without_the_browsers_runtime_offers_itself_alone(app: App) -> None:
    assert app.client.get("/page/engines.json").json() == {
        "server": True,
        "device": False,
    }
    for path in ("ort/ort.wasm.min.js", "model/vgg19-lite.safetensors", "package.json"):
        assert app.client.get(f"/page/{path}").status_code == 404


def test_the_settings_say_which_model_is_used(apps: Apps) -> None:
    assert apps().client.get("/v1/settings").json()["model"] is None


@pytest.mark.usefixtures("folder")
def test_a_job_begun_with_another_has_the_pictures_of_its_settings(app: App) -> None:
    Path("content_mask.png").write_bytes(Path("style.png").read_bytes())
    Path("protect.png").write_bytes(Path("style.png").read_bytes())
    first = app.post(
        form(
            {"content_mask": ["all", None], "init": "noise"},
            ("content", "style", "style", "content_mask", "protect"),
        )
    ).json()["id"]
    again = app.post(form({"protect": None}, (), again=first))
    assert again.status_code == 202, again.text
    second = app.client.get(f"/v1/jobs/{again.json()['id']}").json()
    assert second["params"]["pictures"] == {"content": 1, "style": 2, "content_mask": 1}
    assert second["params"]["settings"]["content_mask"][0] == "all"
    assert second["params"]["settings"]["init"] is None
    mask = app.client.get(f"/v1/jobs/{second['id']}/pictures/content_mask/0")
    assert mask.content == Path("style.png").read_bytes()
    assert "--content-mask all --content-mask " in second["command"]


@pytest.mark.usefixtures("folder")
def test_a_stream_begins_where_the_page_says(app: App) -> None:
    id_ = app.post(form({})).json()["id"]
    app.client.post(f"/v1/jobs/{id_}/cancel")
    whole = app.client.get(f"/v1/jobs/{id_}/events").text
    first = re.findall(r"^id: (\d+)", whole, re.M)[0]
    rest = app.client.get(f"/v1/jobs/{id_}/events?after={first}").text
    assert (
        re.findall(r"^id: (\d+)", rest, re.M)
        == re.findall(r"^id: (\d+)", whole, re.M)[1:]
    )
