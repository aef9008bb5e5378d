"""The files of the page, and what its routes give it."""

import re
from pathlib import Path

import pytest

from lightstyle.service.app import PAGE
from tests.lightstyle.service.conftest import Apps
from tests.support.service import App
from tests.support.serving import form

FILES = sorted(path.name for path in PAGE.iterdir())


@pytest.mark.parametrize("name", FILES)
def test_a_browser_takes_every_file_and_asks_again_for_newer_ones(
    name: str, app: App
) -> None:
    answer = app.client.get("/" if name == "index.html" else f"/page/{name}")
    assert answer.status_code == 200
    types = {".js": "text/javascript", ".css": "text/css", ".svg": "image/svg+xml"}
    assert answer.headers["content-type"].startswith(
        types.get(Path(name).suffix, "text/html")
    )
    assert answer.headers["cache-control"] == "no-cache"


@pytest.mark.parametrize("name", FILES)
def test_the_policy_of_the_page_forbids_nothing_in_it(name: str) -> None:
    text = (PAGE / name).read_text("utf-8")
    if name.endswith(".html"):
        assert not re.search(r"<script(?![^>]*\bsrc=)|<style|\sstyle=|\son\w+=", text)
    if name.endswith(".js"):
        assert not re.search(
            r"\beval\(|new Function|\.innerHTML|setAttribute\(.style", text
        )
    if not name.endswith(".svg"):
        assert not re.search(r"(?:src|href|import|url).{0,10}https?://", text)


def test_every_module_that_is_imported_is_there() -> None:
    for name in FILES:
        text = (PAGE / name).read_text("utf-8")
        for wanted in re.findall(
            r"""(?:from |src="|href=")"?(?:\./|/page/)([\w.]+)""", text
        ):
            assert wanted in FILES


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
