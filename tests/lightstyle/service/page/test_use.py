"""Everybody can use the page: on any screen, by keyboard, and told what is wrong."""

from pathlib import Path

import pytest

from tests.support.page import (
    PHONE,
    WIDE,
    Open,
    choose,
    drop,
    is_too_wide,
    paint,
    paint_by_keyboard,
    serious,
    tab_to,
)
from tests.support.serving import Server, serving

pytestmark = pytest.mark.browser


@pytest.mark.parametrize("size", [PHONE, (360, 780), WIDE, (2560, 1440)])
@pytest.mark.parametrize("theme", ["light", "dark"])
def test_nothing_is_out_of_reach_in_any_size_and_theme(
    server: Server, pages: Open, size: tuple[int, int], theme: str
) -> None:
    page = pages(server, size=size, color_scheme=theme, reduced_motion="reduce")
    choose(page, 48, 2)
    looked_at = {"chosen": (serious(page), is_too_wide(page))}
    paint(page, until="Finished")
    for summary in page.query_selector_all(".about summary"):
        summary.click()
    looked_at["done"] = serious(page), is_too_wide(page)
    page.click("nav >> text=Gallery")
    page.wait_for_selector("#wall li")
    assert page.inner_text("[aria-current=page]") == "Gallery"
    looked_at["gallery"] = serious(page), is_too_wide(page)
    assert looked_at == dict.fromkeys(looked_at, ([], False))


def test_everything_is_done_by_the_keyboard_alone(server: Server, pages: Open) -> None:
    page = pages(server)
    page.wait_for_selector("#new")
    paint_by_keyboard(page)
    clip = page.evaluate("getComputedStyle(document.querySelector('.before')).clipPath")
    assert "90%" in clip
    tab_to(page, ".actions .quiet")
    page.keyboard.press("Enter")
    page.wait_for_selector("#question[open]")
    page.keyboard.press("Escape")
    assert page.is_visible(".canvas")
    page.keyboard.press("Enter")
    tab_to(page, "#question-yes")
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
