"""What has failed on the device is tried again."""

import pytest

from tests.support.page import Open, choose, open_with, paint

pytestmark = pytest.mark.browser

#: An engine that fails, and after a reload says late what it runs on.
_LATE = """
export class Engine {
  static supports = { jobs: { stylize: true }, settings: { size: true } };
  about() {
    const found = { device: "wasm", threads: 1, note: "" };
    if (!sessionStorage.failed) return Promise.resolve(found);
    return new Promise((done) => (window.tell = () => done(found)));
  }
  estimate() { return Promise.resolve({ word: "" }); }
  paint() {
    if (sessionStorage.failed) return new Promise(() => {});
    sessionStorage.failed = "yes";
    return Promise.reject(new Error("It was lost."));
  }
}
"""


def test_a_painting_that_is_tried_again_waits_for_the_device(
    site: str, pages: Open
) -> None:
    page = open_with(_LATE, site, pages)
    paint(page, until="This did not work")
    page.reload()
    page.click("text=Try again")
    page.wait_for_selector(".facts:has-text('Next in the queue')")
    page.evaluate("window.tell()")
    page.wait_for_selector(".facts:has-text('Preparing')")


def test_a_device_that_could_not_paint_is_tried_again(site: str, pages: Open) -> None:
    """The network was away while the engine was loaded."""
    page = pages(f"{site}page/icon.svg", service_workers="block", ready="svg")
    page.context.route("**/ort/*", lambda route: route.abort())
    page.goto(site)
    page.wait_for_selector("#where-about:has-text('This device cannot paint: ')")
    page.context.unroute("**/ort/*")
    page.click("#where-about >> text=Try again")
    page.wait_for_selector("#where-about:has-text('No picture leaves')")
    choose(page, 48, 2)
    paint(page, until="Finished")
