"""A server, and its page in a browser: ``python -m pytest -m browser``."""

import socket
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from tests.support.page import WIDE, Open, browsing
from tests.support.serving import Server, serving

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page


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
