"""A painting of the visitor's browser: kept, gone on with, and painted by one tab."""

import re
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from lightstyle.site.devices import DEVICES
from tests.support.page import (
    Open,
    choose,
    choose_pictures,
    curve,
    downloaded,
    drop,
    evaluation,
    open_with,
    paint,
    serious,
    set_effort,
)
from tests.support.processes import wait_for

if TYPE_CHECKING:
    from playwright.sync_api import Page

pytestmark = pytest.mark.browser

#: More than any test waits for.
LONG = 2000


def test_dropped_pictures_become_a_painting_that_goes_on_after_a_reload(
    site: str, pages: Open
) -> None:
    page = pages(site)
    files = {name: Path(name).read_bytes() for name in ("content.png", "style.png")}
    drop(page, "[data-role=content]", files)
    set_effort(page, 48, LONG)
    paint(page, until="Evaluation")
    wait_for(lambda: _reaches(page, 30))
    page.wait_for_selector(".facts:has-text('evaluations a second')")
    page.wait_for_selector(".canvas.both")
    assert serious(page) == []
    wait_for(lambda: _kept(page, "saved"))
    page.reload()
    page.wait_for_selector(".facts:has-text('Evaluation')")
    first = evaluation(page)
    assert first > 1
    wait_for(lambda: _reaches(page, first + 5))
    assert curve(page) > first / 2  # from the first evaluation on
    page.click("text=Stop and keep")
    page.wait_for_selector(".facts:has-text('Stopped')")
    stopped = evaluation_of_end(page)
    page.click("text=Continue")
    page.wait_for_selector(".facts:has-text('Evaluation')")
    wait_for(lambda: _reaches(page, stopped))
    page.click("text=Stop and keep")
    page.wait_for_selector(".facts:has-text('Stopped')")
    assert page.is_visible(".canvas.both .after")


def test_a_finished_painting_is_downloaded_with_and_without_its_settings(
    site: str, pages: Open
) -> None:
    page = pages(site)
    choose(page, 48, 3)
    paint(page, until="Finished")
    suggested, recorded = downloaded(page)
    assert suggested == "lightstyle-content-after-style.png"
    assert (recorded.size, recorded.iterations, recorded.style_weight) == (48, 3, 1e4)
    page.click("text=Command line")
    assert page.inner_text(".about code") == (
        "lightstyle stylize content.png style.png --size 48 --iterations 3 "
        "--style-weight 10000 --model vgg19-lite -o out.png"
    )


def test_without_a_number_of_evaluations_it_has_as_many_as_fit_a_minute(
    site: str, pages: Open
) -> None:
    page = pages(site)
    choose_pictures(page)
    proposed = str(DEVICES["wasm"].iterations)
    assert page.input_value("#set-iterations") == proposed
    set_effort(page, 48, None)
    paint(page, until=f"of {proposed}")
    page.click("text=Stop and keep")
    page.wait_for_selector(".facts:has-text('Stopped')")
    _, recorded = downloaded(page)
    assert recorded.iterations == int(proposed)
    page.click("text=Command line")
    assert f"--iterations {proposed}" in page.inner_text(".about code")


def test_a_painting_goes_on_and_is_made_again_with_other_settings(
    site: str, pages: Open
) -> None:
    page = pages(site)
    choose(page, 48, 3)
    page.fill("#set-seed", "7")
    first = paint(page, until="Finished")
    page.click("text=100 more evaluations")
    page.wait_for_url(lambda url: "#jobs/" in url and first not in url)
    page.wait_for_selector(".facts:has-text('of 100')")
    page.click("text=Delete")
    page.click("#question-yes")
    page.wait_for_url("**#new")
    page.goto(f"{site}#jobs/{first}")
    page.click("text=Again with other settings")
    page.wait_for_selector(".frame.filled >> nth=1")
    assert page.input_value("#set-seed") == "7"
    assert page.inner_text(".frame:first-child .words") == "content.png"
    paint(page, until="Finished")


def test_of_two_tabs_one_paints_and_the_other_goes_on_when_it_is_closed(
    site: str, pages: Open
) -> None:
    one = pages(site)
    choose(one, 48, LONG)
    id_ = paint(one, until="Evaluation")
    two = pages(site, beside=one)
    two.goto(f"{site}#jobs/{id_}")
    two.wait_for_selector(".facts:has-text('Evaluation')")
    before = evaluation(two)
    wait_for(lambda: _reaches(two, before + 5))
    assert _has_started(two, id_, 1)
    two.goto(f"{site}#new")
    two.wait_for_selector(".frame.filled >> nth=1")
    two.click("#paint")
    two.wait_for_selector(".facts:has-text('Next in the queue')")
    two.click("text='Cancel'")
    two.wait_for_selector(".facts:has-text('Cancelled')")
    wait_for(lambda: _kept(one, "saved"))
    one.close()
    two.goto(f"{site}#jobs/{id_}")
    wait_for(lambda: _has_started(two, id_, 2))
    before = _job(two, id_)["progress"]["evaluation"]
    assert before > 1
    wait_for(lambda: _reaches(two, before + 5))
    two.click("text=Stop and keep")
    two.wait_for_selector(".facts:has-text('Stopped')")


def test_a_deleted_painting_leaves_nothing_and_the_next_one_is_painted(
    site: str, pages: Open
) -> None:
    page = pages(site)
    choose(page, 48, LONG)
    paint(page, until="Evaluation")
    page.click("nav >> text=New picture")
    page.fill("#set-iterations", "2")
    second = paint(page, until="Next in the queue")
    page.click("nav >> text=Gallery")
    page.wait_for_selector("#wall li >> nth=1")
    page.hover("#wall li >> nth=1")
    page.click("#wall li:nth-child(2) .remove")
    page.click("#question-yes")
    page.wait_for_selector("#wall li >> nth=1", state="detached")
    page.goto(f"{site}#jobs/{second}")
    page.wait_for_selector(".facts:has-text('Finished')")
    page.click("text=Delete")
    page.click("#question-yes")
    page.wait_for_selector("#bare-wall")
    left = page.evaluate(_LEFT)
    assert left == {"jobs": 0, "events": 0, "blobs": 0}


#: An engine that takes a picture and never comes anywhere.
_STUCK = """
export class Engine {
  static supports = { jobs: { stylize: true }, settings: { size: true } };
  about() { return Promise.resolve({ device: "wasm", threads: 1, note: "" }); }
  estimate() { return Promise.resolve({ word: "It is smaller here." }); }
  paint() { return new Promise(() => {}); }
}
"""


def test_a_painting_over_which_the_page_dies_again_and_again_is_given_up(
    site: str, pages: Open
) -> None:
    page = open_with(_STUCK, site, pages)
    page.wait_for_selector("#forecast:has-text('It is smaller here.')")
    id_ = paint(page, until="Preparing")
    assert page.inner_text(".note") == "It is smaller here."
    for starts in (2, 3):
        page.reload()
        wait_for(partial(_has_started, page, id_, starts))
    page.reload()
    page.wait_for_selector(".facts:has-text('This did not work')")
    assert "choose a smaller size" in page.inner_text(".label .refusal")
    page.click("text=Try again")
    page.wait_for_selector(".facts:has-text('Preparing')")


def test_tabs_without_a_lock_do_not_count_each_other_as_deaths(
    site: str, pages: Open
) -> None:
    """As on plain HTTP, where each paints."""
    locks = "Object.defineProperty(navigator, 'locks', { value: undefined })"
    page = open_with(_STUCK, site, pages, locks)
    id_ = paint(page, until="Preparing")
    for starts in range(2, 6):
        tab = pages(site, beside=page)
        wait_for(partial(_has_started, tab, id_, starts))
        tab.goto(f"{site}#jobs/{id_}")
        tab.wait_for_selector(".facts:has-text('Preparing')")
    for starts in (6, 7):
        page.reload()
        wait_for(partial(_has_started, page, id_, starts))
    page.reload()
    page.wait_for_selector(".facts:has-text('This did not work')")


def _reaches(page: "Page", number: int) -> bool:
    return evaluation(page) >= number


def evaluation_of_end(page: "Page") -> int:
    found = re.search(r"(\d+) of \d+ evaluations", page.inner_text(".facts"))
    assert found
    return int(found[1])


_READ = """
([store, key]) => new Promise((done) => {
  indexedDB.databases().then(([{ name }]) => {
    indexedDB.open(name).onsuccess = ({ target: { result: base } }) => {
      const asked = base.transaction([store]).objectStore(store).get(key);
      asked.onsuccess = () => {
        base.close();
        done(store === "jobs" ? asked.result : asked.result !== undefined);
      };
    };
  });
})
"""

#: Number of things in each store of the browser.
_LEFT = """
() => new Promise((done) => {
  indexedDB.databases().then(([{ name }]) => {
    indexedDB.open(name).onsuccess = ({ target: { result: base } }) => {
      const stores = ["jobs", "events", "blobs"], found = {};
      const transaction = base.transaction(stores);
      for (const store of stores) {
        const asked = transaction.objectStore(store).count();
        asked.onsuccess = () => (found[store] = asked.result);
      }
      transaction.oncomplete = () => {
        base.close();
        done(found);
      };
    };
  });
})
"""


def _job(page: "Page", id_: str) -> dict[str, Any]:
    found: dict[str, Any] = page.evaluate(_READ, ["jobs", id_])
    return found


def _has_started(page: "Page", id_: str, times: int) -> bool:
    return bool(_job(page, id_)["attempt"] == times)


def _kept(page: "Page", name: str) -> bool:
    id_ = page.url.rpartition("/")[2]
    return bool(page.evaluate(_READ, ["blobs", f"{id_}/{name}"]))
