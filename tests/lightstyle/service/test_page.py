"""The page in a browser: ``python -m pytest -m browser``."""

import json
import re
import socket
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from PIL import Image

from lightstyle.errors import ImageError
from lightstyle.records.record import Record
from tests.support.page import browsing, drop, serious
from tests.support.processes import wait_for
from tests.support.serving import Server, serving

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

pytestmark = pytest.mark.browser

#: Opens the page at an address, of so many pixels, in a theme.
Open = Callable[..., "Page"]

WIDE, PHONE = (1280, 800), (390, 844)


@pytest.fixture(scope="module")
def browser() -> Iterator["Browser"]:
    with browsing() as found:
        yield found


@pytest.fixture(scope="module")
def server(
    browser: "Browser", tmp_path_factory: pytest.TempPathFactory, tiny_model: Path
) -> Iterator[Server]:
    """A server on a port of its own, which it has again when it is started again."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    data = tmp_path_factory.mktemp("served") / "data"
    with serving(data, tiny_model, "--port", port) as found:
        yield found


@pytest.fixture
def pages(browser: "Browser", folder: Path) -> Iterator[Open]:
    """Opens pages, none of which may say anything of a fault."""
    contexts, faults = [], []

    def open_(server: Server, at: str = "", **more: Any) -> "Page":
        width, height = more.pop("size", WIDE)
        context = browser.new_context(
            viewport={"width": width, "height": height}, **more
        )
        context.set_default_timeout(60_000)
        contexts.append(context)
        page = context.new_page()
        page.on("pageerror", lambda error: faults.append(str(error)))
        page.goto(f"{server.client.base_url}{at}")
        return page

    yield open_
    for context in contexts:
        context.close()
    assert faults == []


def choose(page: "Page", size: int, iterations: int) -> None:
    """Choose both pictures, and settings that are quick."""
    page.set_input_files("#choose-content", "content.png")
    page.set_input_files("#choose-style", "style.png")
    set_effort(page, size, iterations)


def set_effort(page: "Page", size: int, iterations: int) -> None:
    page.fill("#set-size", str(size))
    if not page.is_visible("#set-iterations"):
        page.click("#more > summary")
    page.fill("#set-iterations", str(iterations))
    page.fill("#set-style_weight", "10000")


def paint(page: "Page", *, until: str) -> str:
    """Paint, wait for a word of the label, and return the name of the job."""
    page.click("#paint")
    page.wait_for_url(re.compile("#jobs/"))
    page.wait_for_selector(f".facts:has-text('{until}')")
    return str(page.url).rpartition("/")[2]


def evaluation(page: "Page") -> int:
    found = re.search(r"Evaluation (\d+)", page.inner_text(".facts"))
    return int(found[1]) if found else 0


def curve(page: "Page") -> int:
    """Number of points of the curve."""
    return (page.get_attribute(".curve .line", "d") or "").count("L") + 1


def test_dropped_pictures_become_a_painting_that_grows_and_is_kept(
    server: Server, pages: Open
) -> None:
    page = pages(server)
    page.wait_for_selector("#set-size")
    files = {name: Path(name).read_bytes() for name in ("content.png", "style.png")}
    drop(page, "[data-role=content]", files)
    assert page.inner_text(".frame:first-child .words") == "content.png"
    assert page.inner_text(".frame:last-child .words") == "style.png"
    set_effort(page, 48, 2000)
    id_ = paint(page, until="Evaluation")
    seen: set[str] = set()

    def has_grown() -> bool:
        source = page.get_attribute(".after", "src") or ""
        seen.update([source] if "/preview?v=" in source else [])
        return len(seen) >= 3

    wait_for(has_grown)
    assert serious(page) == []

    page.reload()
    page.wait_for_selector(".facts:has-text('Evaluation')")
    before = evaluation(page)
    wait_for(lambda: evaluation(page) > before)
    assert (
        curve(page) > before / 2
    )  # from the first evaluation on, not since the reload

    page.click("text=Stop and keep")
    page.wait_for_selector(".facts:has-text('Stopped')")
    assert server.state(id_) == "cancelled"
    page.wait_for_selector(f".after[src='/v1/jobs/{id_}/result']")
    assert "evaluations" in (page.get_attribute(".curve", "aria-label") or "")


def test_a_finished_painting_is_downloaded_with_and_without_its_settings(
    server: Server, pages: Open
) -> None:
    page = pages(server)
    choose(page, 48, 3)
    page.select_option("#set-color", "content-chroma")
    id_ = paint(page, until="Finished")
    asked = server.status(id_)["params"]["settings"]
    assert (asked["color"], asked["iterations"]) == ("content-chroma", 3)
    for text, name in (
        ("Download", "told"),
        ("Download without settings inside", "bare"),
    ):
        with page.expect_download() as download:
            page.click(f".label >> text='{text}'")
        assert download.value.suggested_filename.startswith("lightstyle-")
        download.value.save_as(f"{name}.png")
    recorded = Record.read("told.png").settings.as_dict()
    changed = {"init": "content"}  # as the record says what a default came to
    assert recorded == {**asked, **changed}
    with pytest.raises(ImageError):
        Record.read("bare.png")
    told, bare = (np.asarray(Image.open(f"{name}.png")) for name in ("told", "bare"))
    assert np.array_equal(told, bare)
    page.click("text=Command line")
    assert page.inner_text(".about code") == server.status(id_)["command"]


def test_a_painting_goes_on_and_is_made_again_with_other_settings(
    server: Server, pages: Open
) -> None:
    page = pages(server)
    choose(page, 48, 3)
    page.fill("#set-seed", "7")
    first = paint(page, until="Finished")
    page.click("text=100 more evaluations")
    page.wait_for_url(lambda url: "#jobs/" in url and first not in url)
    page.wait_for_selector(".facts:has-text('100 of 100 evaluations')")
    more = server.status(page.url.rpartition("/")[2])["params"]["settings"]
    assert (more["seed"], more["init"], more["pyramid"]) == (7, "init-0.png", "off")
    page.goto(f"{server.client.base_url}#jobs/{first}")
    page.click("text=Again with other settings")
    page.wait_for_selector(".frame.filled >> nth=1")
    assert page.input_value("#set-seed") == "7"
    second = paint(page, until="Finished")
    assert server.status(second)["params"] == server.status(first)["params"]


def test_the_page_goes_on_after_the_server_died_in_the_middle(
    server: Server, pages: Open
) -> None:
    page = pages(server)
    choose(page, 48, 2000)
    id_ = paint(page, until="Evaluation")
    wait_for(lambda: evaluation(page) > 20)
    server.kill()
    page.wait_for_selector("#lost")
    server.start()
    page.wait_for_selector("#lost", state="hidden")
    assert page.url.endswith(id_)
    before = evaluation(page)
    wait_for(lambda: evaluation(page) > before)
    page.click("text=Stop and keep")
    page.wait_for_selector(".facts:has-text('Stopped')")


def test_a_job_that_waits_says_its_place_and_can_be_cancelled(
    server: Server, pages: Open
) -> None:
    page = pages(server)
    choose(page, 48, 2000)
    running = paint(page, until="Evaluation")
    page.click("nav >> text=New picture")
    page.click("#paint")
    page.wait_for_selector(".facts:has-text('Next in the queue')")
    page.click("text='Cancel'")
    page.wait_for_selector(".facts:has-text('Cancelled')")
    server.client.post(f"/v1/jobs/{running}/cancel")


def test_pictures_and_settings_that_were_chosen_are_there_after_a_reload(
    server: Server, pages: Open
) -> None:
    page = pages(server)
    choose(page, 64, 5)
    page.reload()
    page.wait_for_selector(".frame.filled >> nth=1")
    assert page.inner_text(".frame:last-child .words") == "style.png"
    assert page.input_value("#set-size") == "64"
    page.click("text=Reset settings")
    assert page.input_value("#set-size") == "512"
    set_effort(page, 48, 2)
    paint(page, until="Finished")


def test_a_page_that_nobody_sees_holds_no_stream_and_goes_on_when_it_is_seen(
    server: Server, pages: Open
) -> None:
    page = pages(server)
    choose(page, 48, 2000)
    paint(page, until="Evaluation")
    wait_for(lambda: _streams(server) == 1)
    _show(page, False)
    wait_for(lambda: _streams(server) == 0)
    before = evaluation(page)
    _show(page, True)
    wait_for(lambda: evaluation(page) > before)
    assert _streams(server) == 1
    page.click("text=Stop and keep")
    page.wait_for_selector(".facts:has-text('Stopped')")
    wait_for(lambda: _streams(server) == 0)


def test_a_page_without_a_stream_asks_instead(server: Server, pages: Open) -> None:
    page = pages(server)
    page.route("**/events*", lambda route: route.fulfill(status=429, body="{}"))
    choose(page, 48, 2000)
    paint(page, until="Evaluation")
    page.wait_for_selector(".canvas.both")
    before = evaluation(page)
    wait_for(lambda: evaluation(page) > before)
    page.click("text=Stop and keep")
    page.wait_for_selector(".facts:has-text('Stopped')")


@pytest.mark.parametrize("size", [PHONE, (360, 780), WIDE, (2560, 1440)])
@pytest.mark.parametrize("theme", ["light", "dark"])
def test_nothing_is_out_of_reach_in_any_size_and_theme(
    server: Server, pages: Open, size: tuple[int, int], theme: str
) -> None:
    page = pages(server, size=size, color_scheme=theme, reduced_motion="reduce")
    choose(page, 48, 2)
    looked_at = {"chosen": (serious(page), _is_too_wide(page))}
    paint(page, until="Finished")
    for summary in page.query_selector_all(".about summary"):
        summary.click()
    looked_at["done"] = serious(page), _is_too_wide(page)
    page.click("nav >> text=Gallery")
    page.wait_for_selector("#wall li")
    assert page.inner_text("[aria-current=page]") == "Gallery"
    looked_at["gallery"] = serious(page), _is_too_wide(page)
    assert looked_at == dict.fromkeys(looked_at, ([], False))


def test_everything_is_done_by_the_keyboard_alone(server: Server, pages: Open) -> None:
    page = pages(server)
    page.wait_for_selector("#new")
    for role in ("content", "style"):
        _tab_to(page, f"#choose-{role}")
        with page.expect_file_chooser() as chooser:
            page.keyboard.press("Space")
        chooser.value.set_files(f"{role}.png")
        page.wait_for_selector(f"[data-role={role}] .hung")
    _tab_to(page, "#set-size")
    page.keyboard.press("Control+A")
    page.keyboard.type("48")
    _tab_to(page, "#more > summary")
    page.keyboard.press("Enter")
    _tab_to(page, "#set-iterations")
    page.keyboard.press("Control+A")
    page.keyboard.type("3")
    page.keyboard.press("Enter")  # as in every form
    page.wait_for_selector(".facts:has-text('Finished')")
    assert page.evaluate("document.activeElement.tagName") == "H1"
    page.wait_for_selector(".canvas.both")
    _tab_to(page, ".canvas input", "Shift+Tab")
    for _ in range(20):
        page.keyboard.press("ArrowRight")
    assert page.get_attribute(".canvas input", "aria-valuetext") == "10 % photo"
    clip = page.evaluate("getComputedStyle(document.querySelector('.before')).clipPath")
    assert "90%" in clip
    _tab_to(page, ".actions .quiet")
    page.keyboard.press("Enter")
    page.wait_for_selector("#question[open]")
    page.keyboard.press("Escape")
    assert page.is_visible(".canvas")
    page.keyboard.press("Enter")
    _tab_to(page, "#question-yes")
    page.keyboard.press("Enter")
    page.wait_for_selector("#new")


def test_what_is_refused_is_said_where_it_is_wrong(server: Server, pages: Open) -> None:
    page = pages(server)
    page.wait_for_selector("#set-size")
    page.click("#paint")
    assert page.inner_text("#refusal") == "Choose a photo and a painting first."
    drop(page, "[data-role=style]", {"style.txt.png": b"no picture"})
    page.set_input_files("#choose-content", "content.png")
    page.click("#paint")
    page.wait_for_selector("#refusal:has-text('style is no picture')")
    page.click("[data-role=style] .hung button")
    page.set_input_files("#choose-style", "style.png")
    page.click("#more > summary")
    page.fill("#set-init_noise", "7")
    page.click("#paint")
    page.wait_for_selector("#set-init_noise-refusal:has-text('expected a number')")
    assert page.evaluate("document.activeElement.id") == "set-init_noise"


def test_every_setting_has_its_help_in_the_form(server: Server, pages: Open) -> None:
    page = pages(server)
    page.wait_for_selector("#set-size", state="attached")
    schema = server.client.get("/v1/settings").json()["settings"]["properties"]
    for name, about in schema.items():
        assert page.text_content(f"#set-{name}-help") == about["description"]
        assert page.locator(f"#set-{name}").count() == 1


def test_a_server_with_a_token_asks_for_it_once(
    pages: Open, tmp_path: Path, tiny_model: Path
) -> None:
    token = "7d54f1c2b0a98e63"
    with serving(tmp_path / "locked", tiny_model, "--token", token) as server:
        page = pages(server)
        page.fill("#token", "wrong")
        page.keyboard.press("Enter")
        page.wait_for_selector("#login-refusal:has-text('not the token')")
        page.fill("#token", token)
        page.keyboard.press("Enter")
        page.wait_for_selector("#set-size")
        page.reload()
        page.wait_for_selector("#set-size")
        assert page.is_hidden("#login")


def _streams(server: Server) -> int:
    found = re.search(r"lightstyle_streams (\d+)", server.client.get("/metrics").text)
    assert found
    return int(found[1])


def _show(page: "Page", is_seen: bool) -> None:
    """Act as if the page were seen, or not."""
    page.evaluate(
        "(hidden) => { Object.defineProperty(document, 'hidden', "
        "{ value: hidden, configurable: true }); "
        "document.dispatchEvent(new Event('visibilitychange')); }",
        not is_seen,
    )


def _is_too_wide(page: "Page") -> bool:
    return bool(page.evaluate("document.documentElement.scrollWidth > innerWidth"))


def _tab_to(page: "Page", target: str, key: str = "Tab") -> None:
    for _ in range(80):
        if page.evaluate(f"document.activeElement.matches({json.dumps(target)})"):
            return
        page.keyboard.press(key)
    raise AssertionError(f"{target} cannot be reached")
