"""A painting on the page: it grows, is kept, and goes on whatever happens."""

from pathlib import Path

import pytest

from tests.support.page import (
    Open,
    choose,
    curve,
    downloaded,
    drop,
    evaluation,
    paint,
    serious,
    set_effort,
    show,
)
from tests.support.processes import wait_for
from tests.support.serving import Server

pytestmark = pytest.mark.browser


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
    page.wait_for_selector(f".after[src='v1/jobs/{id_}/result']")
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
    suggested, recorded = downloaded(page)
    assert suggested.startswith("lightstyle-")
    changed = {"init": "content"}  # as the record says what a default came to
    assert recorded.as_dict() == {**asked, **changed}
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
    wait_for(lambda: server.streams() == 1)
    show(page, False)
    wait_for(lambda: server.streams() == 0)
    before = evaluation(page)
    show(page, True)
    wait_for(lambda: evaluation(page) > before)
    assert server.streams() == 1
    page.click("text=Stop and keep")
    page.wait_for_selector(".facts:has-text('Stopped')")
    wait_for(lambda: server.streams() == 0)


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
