"""The page that paints by itself, in a browser: ``python -m pytest -m browser``."""

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from lightstyle.site import build
from tests.support import browser_runtime
from tests.support.page import WIDE, Open, browsing
from tests.support.sites import WebServer, plain

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page


@pytest.fixture(scope="module")  # Playwright runs once at a time
def browser() -> Iterator["Browser"]:
    with browsing() as found:
        yield found


@pytest.fixture(scope="session")
def runtime(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return browser_runtime.real(tmp_path_factory.mktemp("cached") / "ort")


@pytest.fixture(scope="session")
def root(tmp_path_factory: pytest.TempPathFactory, runtime: Path) -> Path:
    """The folder of a web server, with the site in a folder of it."""
    folder = tmp_path_factory.mktemp("root")
    build.build(folder / "art" / "site", runtime)
    return folder


@pytest.fixture(scope="module")
def server(root: Path) -> Iterator[WebServer]:
    with plain(root) as found:
        yield found


@pytest.fixture
def site(server: WebServer) -> str:
    """Where the site is."""
    return f"{server.url}art/site/"


@pytest.fixture
def pages(browser: "Browser", folder: Path) -> Iterator[Open]:
    """Opens pages, each a visitor of its own; none may say anything of a fault.

    With ``beside=page``, it is another tab of that page's visitor; ``ready`` is what
    there is to see at the end.
    """
    contexts, faults = [], []
    known = "#where-about:has-text('No picture leaves')"

    def open_(url: str, **more: Any) -> "Page":
        beside, ready = more.pop("beside", None), more.pop("ready", known)
        if beside is None:
            width, height = more.pop("size", WIDE)
            context = browser.new_context(
                viewport={"width": width, "height": height}, **more
            )
            context.set_default_timeout(60_000)
            contexts.append(context)
        else:
            context = beside.context
        page = context.new_page()
        page.on("pageerror", lambda error: faults.append(str(error)))
        page.goto(url)
        page.wait_for_selector(ready)
        return page

    yield open_
    for context in contexts:
        context.close()
    assert faults == []
