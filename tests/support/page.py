"""What somebody does with the page of the service in a browser."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Final

import pytest

from tests.support.browser import CHROMIUM

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

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
