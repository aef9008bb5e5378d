"""The engine on WebGPU, which Chromium computes in software here."""

from typing import Any

import pytest
from PIL import Image

from lightstyle import contract
from tests.support.engine import Painter

pytestmark = [pytest.mark.browser, pytest.mark.slow]

SETTINGS = {"size": 32, "style_weight": 1000.0, "tv_weight": 0.01, "style_scale": 1.0}


def _losses(found: dict[str, Any]) -> list[float]:
    assert "problem" not in found, found["problem"]
    return [each["loss"] for each in found["progress"]]


@pytest.fixture(scope="module")
def square(tiny: Painter) -> str:
    """A small square picture: software is slow."""
    whole = Image.open(tiny.files / "content.png")
    whole.crop((0, 0, 40, 40)).save(tiny.files / "square.png")
    return "square.png"


def test_a_gpu_paints_what_wasm_paints(tiny: Painter, square: str) -> None:
    settings = SETTINGS | {"iterations": 4}
    on_wasm = tiny.paint(square, square, settings=settings)
    found = tiny.paint(square, square, settings=settings, device="webgpu")
    assert found["about"]["device"] == "webgpu", found["about"]["note"]
    assert _losses(found) == pytest.approx(_losses(on_wasm), rel=1e-4)


def test_one_in_software_is_not_used_unless_asked_for(
    tiny: Painter, square: str
) -> None:
    settings = SETTINGS | {"iterations": 1}
    found = tiny.paint(square, square, settings=settings, device=None)
    assert found["about"]["device"] == "wasm"
    assert "software" in found["about"]["note"]


def test_a_gpu_that_computes_something_else_is_not_used(
    tiny: Painter, square: str
) -> None:
    """As the test has found out that is remembered."""
    remembered = """
      async () => {
        const { info } = await navigator.gpu.requestAdapter();
        const runtime = new URL('/ort/', location).href;
        const { vendor, architecture, description } = info;
        const key = [vendor, architecture, description, 'VERSION', runtime].join(' ');
        const verdict = { key, fault: 'its gradient differs' };
        localStorage.setItem('lightstyle.gpu', JSON.stringify(verdict));
      }
    """
    tiny.page.evaluate(remembered.replace("VERSION", contract.VERSION))
    settings = SETTINGS | {"iterations": 1}
    found = tiny.paint(square, square, settings=settings, device="webgpu")
    tiny.page.evaluate("localStorage.clear()")
    assert found["about"]["device"] == "wasm"
    assert found["about"]["note"] == "The GPU is not used: its gradient differs"


def test_a_run_goes_on_when_the_gpu_is_lost(tiny: Painter, square: str) -> None:
    """With as many evaluations, although wasm proposes fewer."""
    tiny.propose(webgpu=12, wasm=5)
    tiny.begin(square, square, settings=SETTINGS, device="webgpu")
    tiny.reach(3)
    browser = tiny.page.context.browser
    assert browser is not None
    browser.new_browser_cdp_session().send("Browser.crashGpuProcess")
    found = tiny.end()
    tiny.propose()
    assert _losses(found)
    numbers = [each["evaluation"] for each in found["progress"]]
    assert numbers[-1] == 12
    assert min(numbers[3:]) > 1, "it has begun again"
    assert any("GPU was lost" in note for note in found["outcome"]["notes"])
