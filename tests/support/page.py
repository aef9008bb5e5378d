"""What somebody does with the page of the service in a browser."""

import json
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import pytest
from PIL import Image

from lightstyle.errors import ImageError
from lightstyle.records.record import Record
from lightstyle.settings.settings import Settings
from tests.support.browser import CHROMIUM

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

#: Opens the page of a server, of so many pixels, in a theme.
Open = Callable[..., "Page"]

#: Widths and heights of a screen.
WIDE: Final = (1280, 800)
PHONE: Final = (390, 844)

#: It asks nobody but the server for anything.
_FLAGS: Final = (
    *("--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run"),
    *("--disable-background-networking", "--disable-component-update"),
    "--disable-sync",
)

#: Drops files, as a hand does that has dragged them from a folder.
_DROP: Final = """
([target, files]) => {
  const data = new DataTransfer();
  for (const [name, base64] of files) {
    const bytes = Uint8Array.from(atob(base64), (each) => each.charCodeAt(0));
    data.items.add(new File([bytes], name, { type: "image/png" }));
  }
  const given = { dataTransfer: data, bubbles: true, cancelable: true };
  for (const kind of ["dragover", "drop"])
    document.querySelector(target).dispatchEvent(new DragEvent(kind, given));
}
"""


@contextmanager
def browsing() -> Iterator["Browser"]:
    """Start the browser; the test is skipped if there is none."""
    sync_api = pytest.importorskip(
        "playwright.sync_api", reason="needs the extra `browser`"
    )
    if CHROMIUM is None:
        pytest.skip("needs Chromium")
    with sync_api.sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=[*_FLAGS])
        yield browser
        browser.close()


def drop(page: "Page", target: str, files: dict[str, bytes]) -> None:
    """Drop files on the element that a selector finds."""
    from base64 import b64encode

    encoded = [(name, b64encode(data).decode()) for name, data in files.items()]
    page.evaluate(_DROP, [target, encoded])


def serious(page: "Page") -> list[str]:
    """What axe finds in the page that is serious or critical."""
    axe = pytest.importorskip("axe_playwright_python.sync_playwright")
    found: list[dict[str, Any]] = axe.Axe().run(page).response["violations"]
    return [
        f"{each['id']}: {each['help']}: {[node['html'] for node in each['nodes']]}"
        for each in found
        if each["impact"] in ("serious", "critical")
    ]


def open_with(engine: str, site: str, pages: "Open", script: str = "") -> "Page":
    """Open a site with another engine, both pictures chosen.

    Args:
        engine: Text of the module in place of the site's own, which its service worker
            would give; so that is left out.
        site: Address of the site.
        pages: Opens pages.
        script: What each page runs before its own.
    """
    page = pages(f"{site}page/icon.svg", service_workers="block", ready="svg")
    if script:
        page.context.add_init_script(script)
    page.context.route(
        "**/engine/engine.js",
        lambda route: route.fulfill(body=engine, content_type="text/javascript"),
    )
    page.goto(site)
    page.wait_for_selector("#set-size")
    choose_pictures(page)
    return page


def choose_pictures(page: "Page") -> None:
    page.set_input_files("#choose-content", "content.png")
    page.set_input_files("#choose-style", "style.png")


def choose(page: "Page", size: int, iterations: int) -> None:
    """Choose both pictures, and settings that are quick."""
    choose_pictures(page)
    set_effort(page, size, iterations)


def set_effort(page: "Page", size: int, iterations: int | None) -> None:
    """Set a size and a number of evaluations, if not the default's."""
    page.fill("#set-size", str(size))
    if not page.is_visible("#set-iterations"):
        page.click("#more > summary")
    if iterations is not None:
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


def show(page: "Page", is_seen: bool) -> None:
    """Act as if the page were seen, or not."""
    page.evaluate(
        "(hidden) => { Object.defineProperty(document, 'hidden', "
        "{ value: hidden, configurable: true }); "
        "document.dispatchEvent(new Event('visibilitychange')); }",
        not is_seen,
    )


def is_too_wide(page: "Page") -> bool:
    return bool(page.evaluate("document.documentElement.scrollWidth > innerWidth"))


def tab_to(page: "Page", target: str, key: str = "Tab") -> None:
    for _ in range(80):
        if page.evaluate(f"document.activeElement.matches({json.dumps(target)})"):
            return
        page.keyboard.press(key)
    raise AssertionError(f"{target} cannot be reached")


def paint_by_keyboard(page: "Page") -> None:
    """Paint, and compare with the photo, without a mouse."""
    # Chromium hears late that choosers are waited for: one opened at once is lost.
    page.on("filechooser", lambda _: None)
    for role in ("content", "style"):
        tab_to(page, f"#choose-{role}")
        with page.expect_file_chooser() as chooser:
            page.keyboard.press("Space")
        chooser.value.set_files(f"{role}.png")
        page.wait_for_selector(f"[data-role={role}] .hung")
    tab_to(page, "#set-size")
    page.keyboard.press("Control+A")
    page.keyboard.type("48")
    tab_to(page, "#more > summary")
    page.keyboard.press("Enter")
    tab_to(page, "#set-iterations")
    page.keyboard.press("Control+A")
    page.keyboard.type("3")
    page.keyboard.press("Enter")  # as in every form
    page.wait_for_selector(".facts:has-text('Finished')")
    assert page.evaluate("document.activeElement.tagName") == "H1"
    page.wait_for_selector(".canvas.both")
    tab_to(page, ".canvas input", "Shift+Tab")
    for _ in range(20):
        page.keyboard.press("ArrowRight")
    assert page.get_attribute(".canvas input", "aria-valuetext") == "10 % photo"


def downloaded(page: "Page") -> tuple[str, Settings]:
    """Download a painting with its settings and without.

    Returns:
        The name that is suggested, and the settings in it; without them, it is the same
        picture.
    """
    texts = {"told": "Download", "bare": "Download without settings inside"}
    for name, text in texts.items():
        with page.expect_download() as download:
            page.click(f".label >> text='{text}'")
        suggested = download.value.suggested_filename
        download.value.save_as(f"{name}.png")
    with pytest.raises(ImageError):
        Record.read("bare.png")
    with Image.open("told.png") as told, Image.open("bare.png") as bare:
        assert np.array_equal(np.asarray(told), np.asarray(bare))
    return suggested, Record.read("told.png").settings
