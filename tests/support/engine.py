"""The engine of the page in Chromium."""

import base64
import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import pytest

from lightstyle.settings.schema import settings_schema
from tests.support import browser_runtime
from tests.support.browser import CHROMIUM, SWITCHES, served
from tests.support.node import ENGINE

if TYPE_CHECKING:
    from playwright.sync_api import Page

#: A page in which there are no threads.
PLAIN: Final = "plain.html"

#: Seconds that anything in the browser may take.
_PATIENCE: Final = 900

_PAINT: Final = """
async ({ device, threads, model, settings, pictures, saved, cancel, keep, script }) => {
  const { Engine } = await import('/engine/engine.js');
  const files = { runtime: '/ort/', settings: '/files/settings.json' };
  const engine = new Engine({ ...files, model: `/model/${model}`, device, threads });
  const load = async (name) =>
    new File([await (await fetch(`/files/${name}`)).blob()], name);
  const given = {};
  for (const [role, names] of Object.entries(pictures))
    given[role] = await Promise.all(names.map(load));
  const found = (window.found = { progress: [], previews: 0, states: [] });
  const control = new AbortController();
  const told = {
    progress: (values) => {
      found.progress.push(values);
      if (values.evaluation === cancel) control.abort();
    },
    preview: () => found.previews++,
    saved: (state) => (found.states = keep ? [...found.states, state] : []),
  };
  const told_of = { engine, told, control, found };
  if (script) await eval(`(${script})`)(told_of);
  const state = saved === undefined ? undefined : window.kept[saved];
  const asked = { params: { settings }, pictures: given, saved: state };
  try {
    found.about = await engine.about();
    const { blob, outcome } = await engine.paint(asked, told, control.signal);
    found.outcome = outcome;
    if (blob) {
      const bytes = new Uint8Array(await blob.arrayBuffer());
      let letters = '';
      for (const byte of bytes) letters += String.fromCharCode(byte);
      found.png = btoa(letters);
    }
  } catch (problem) {
    found.problem = { code: problem.code, message: problem.message };
  }
  engine.close();
  if (keep) window.kept = found.states;
  found.states = found.states.length;
  return found;
}
"""


@dataclass
class Painter:
    """Paints in a page of a browser.

    Attributes:
        page: The page.
        files: Folder of the pictures, and of the settings.
        model: Name of the model's evaluation graph.
    """

    page: "Page"
    files: Path
    model: str

    def paint(
        self,
        content: str,
        *styles: str,
        init: str | None = None,
        settings: Mapping[str, Any] | None = None,
        **more: Any,
    ) -> dict[str, Any]:
        """Paint; what was told, the outcome, and the bytes of the picture.

        Args:
            content: File of the content, in `files`.
            styles: Files of the styles.
            init: File of the start.
            settings: Those that differ from the default.
            more: ``device``, ``threads``; ``cancel`` after that evaluation; ``keep``
                the states for the next call, and go on with the one of number
                ``saved``; ``script``, a function that is called before.
        """
        self.begin(content, *styles, init=init, settings=settings, **more)
        return self.end()

    def begin(
        self,
        content: str,
        *styles: str,
        init: str | None = None,
        settings: Mapping[str, Any] | None = None,
        **more: Any,
    ) -> None:
        """Begin to paint, as `paint`."""
        pictures = {"content": [content], "style": [*styles]}
        if init is not None:
            pictures["init"] = [init]
        given = {"device": "wasm", "threads": 1, "model": self.model} | more
        given |= {"settings": dict(settings or {}), "pictures": pictures}
        begin = f"(given) => {{ window.painting = ({_PAINT})(given); }}"
        self.page.evaluate(begin, given)

    def propose(self, **iterations: int) -> None:
        """Have devices propose numbers of evaluations; without any, none does."""
        devices = {
            device: {"settings": {"iterations": {"default": number}}}
            for device, number in iterations.items()
        }
        found = {"settings": settings_schema({}), "devices": devices}
        (self.files / "settings.json").write_text(json.dumps(found))

    def reach(self, evaluation: int) -> None:
        """Wait for that evaluation."""
        self.page.wait_for_function(
            "(count) => window.found?.progress.length >= count", arg=evaluation
        )

    def end(self) -> dict[str, Any]:
        """Wait for the end of what was begun; what `paint` returns."""
        found: dict[str, Any] = self.page.evaluate("window.painting")
        if "png" in found:
            found["png"] = base64.b64decode(found["png"])
        return found


@contextmanager
def painter(model: Path, files: Path) -> Iterator[Painter]:
    """Open a page in which the engine paints, if it can; it may have threads.

    Args:
        model: The model.
        files: Folder of the pictures.
    """
    sync_api = pytest.importorskip(
        "playwright.sync_api", reason="needs the extra `browser`"
    )
    if CHROMIUM is None:
        pytest.skip("needs Chromium")
    runtime = browser_runtime.real(files / "ort")
    for name in ("isolated.html", PLAIN):
        (files / name).write_text("<!doctype html><title>Engine</title>")
    folders = {"engine": ENGINE, "ort": runtime, "model": model.parent, "files": files}
    switches = [each for each in SWITCHES if not each.startswith("--headless")]
    with (
        served({"": files, **folders}, plain=PLAIN) as (root, _),
        sync_api.sync_playwright() as playwright,
    ):
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=switches)
        page = browser.new_page()
        page.set_default_timeout(1000 * _PATIENCE)
        page.goto(f"{root}/files/isolated.html")
        found = Painter(page, files, model.name)
        found.propose()
        yield found
        browser.close()
