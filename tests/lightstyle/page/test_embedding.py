"""The engine in a page of somebody's own, as the guide has it."""

import re
import shutil
from pathlib import Path

import pytest

from tests.support.documents import GUIDE, blocks
from tests.support.page import Open
from tests.support.sites import plain

pytestmark = pytest.mark.browser


def _shown(word: str) -> str:
    """The code of the guide with a word in it."""
    page = next(path for path in GUIDE if path.stem == "browser")
    return next(block.text for block in blocks(page, "html") if word in block.text)


def test_five_lines_paint_in_a_page_of_ones_own(root: Path, pages: Open) -> None:
    """On a server without headers, and so in one thread."""
    script = re.search(r"<script[^>]*>\n(.*?)</script>", _shown("import"), re.S)
    assert script
    assert len(script[1].splitlines()) == 5
    own = Path("own")
    own.mkdir()
    (own / "lightstyle").symlink_to(root / "art" / "site")
    for source, name in (("content.png", "photo.jpg"), ("style.png", "painting.jpg")):
        shutil.copy(source, own / name)
    quick = "settings: { size: 48, iterations: 3, style_weight: 1e4 }"
    code = _shown("import").replace("settings: { size: 256 }", quick)
    assert quick in code
    (own / "index.html").write_text(f"<!doctype html>\n{code}", "utf-8")
    with plain(own) as server:
        page = pages(server.url, ready="#painting[src^=blob]")
        assert not page.evaluate("crossOriginIsolated")
        size = "(({ naturalWidth, naturalHeight }) => [naturalWidth, naturalHeight])"
        page.wait_for_timeout(500)
        width, height = page.evaluate(f"{size}(document.querySelector('#painting'))")
        assert max(width, height) == 48


def test_one_line_frames_the_whole_page(root: Path, pages: Open) -> None:
    own = Path("own")
    own.mkdir()
    (own / "lightstyle").symlink_to(root / "art" / "site")
    frame = _shown("iframe").strip()
    (own / "index.html").write_text(f"<!doctype html>\n{frame}\n", "utf-8")
    with plain(own) as server:
        page = pages(server.url, ready="iframe")
        inside = page.frame_locator("iframe")
        inside.locator("#where-about:has-text('No picture leaves')").wait_for()
        assert "wasm, 1 thread)" in inside.locator("#where-about").inner_text()
