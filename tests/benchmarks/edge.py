"""``python -m tests.benchmarks.edge``: the engine in the browser, beside Python.

Milliseconds of one thread's own time: of an evaluation, and of a step of the optimiser
with a full history. Both sides take turns, so that other load on the machine affects
them alike. Then whole runs in a tab of their own each: seconds from the start of the
engine to the file of the picture, evaluations a second, and the memory of the tab's
process: while it paints, how much of that is Chromium's own files, and at most.
"""

import argparse
import json
import shutil
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from statistics import median
from typing import Any

import psutil

from lightstyle.engine.threads import available_cpus
from lightstyle.site.devices import DEVICES
from lightstyle.zoo import registry
from tests.benchmarks.machine import description
from tests.benchmarks.steps import Quadratic, evaluation, numpy_turn
from tests.support.engine import painter
from tests.support.networks import picture
from tests.support.steps import reference

DEMO = Path(__file__).parents[2] / "lightstyle" / "demo"
PAIRS = 20

#: Evaluations and steps of a turn in the browser, whose time is told in 10 ms.
_EVALUATIONS, _STEPS = 4, 20

_PREPARE = """
async ([model, size, pairs]) => {
  const { Runtime } = await import('/engine/runtime.js');
  const { Model } = await import('/engine/model.js');
  const { Objective, Targets } = await import('/engine/objective.js');
  const { normal } = await import('/engine/noise.js');
  const { termWeights } = await import('/engine/weights.js');
  const runtime = await Runtime.load(`${location.origin}/ort/`, 'wasm', 1);
  const loaded = await Model.load(runtime, `${location.origin}/model/${model}`);
  const canvas = [size, size];
  const [content, style] = [1, 2].map((seed) => normal(seed, 3 * size * size, 128, 40));
  const made = await loaded.targets(content, canvas);
  const ofStyle = await loaded.targets(style, canvas);
  for (const name in made) if (name.startsWith('style')) made[name] = ofStyle[name];
  const share = (layers) =>
    Object.fromEntries(layers.map((each) => [each, 1 / layers.length]));
  const { contentLayers, styleLayers } = loaded.info;
  const layers = { content: share(contentLayers), style: share(styleLayers) };
  const weights = termWeights({ content: 1, style: 30, tv: 0.01 }, layers, canvas);
  const objective = await Objective.of(new Targets(loaded, canvas, made), weights);
  const step = await loaded.step(canvas, pairs);
  let image = objective.place(content), state, answer;
  const advance = async () => {
    answer = await objective.evaluate(image);
    state ??= step.begun(answer.sums.dims[0]);
    ({ image, state } = await step.take(image, answer, state));
  };
  for (let i = 0; i < pairs + 2; i++) await advance();
  window.evaluate = async (count) => {
    for (let i = 0; i < count; i++) answer = await objective.evaluate(image);
  };
  window.step = async (count) => {
    for (let i = 0; i < count; i++) await step.take(image, answer, state);
  };
}
"""


def tab(page: Any) -> psutil.Process:
    """The process in which a page's scripts and workers run: that which works most."""
    page.evaluate("() => { const end = Date.now() + 300; while (Date.now() < end); }")
    processes = psutil.Process().children(recursive=True)
    renderers = [p for p in processes if "--type=renderer" in p.cmdline()]
    return max(renderers, key=lambda process: sum(process.cpu_times()[:2]))


def in_browser(page: Any, script: str, count: int) -> Callable[[], float]:
    """A turn that does something so often, and returns the seconds of each."""
    process = tab(page)

    def turn() -> float:
        before = sum(process.cpu_times()[:2])
        page.evaluate(f"(count) => window.{script}(count)", count)
        return float(sum(process.cpu_times()[:2]) - before) / count

    return turn


def in_python(size: int) -> tuple[Callable[[], float], Callable[[], float]]:
    """Turns of an evaluation and of a step."""
    optimizer = reference(picture(size, size)[None], PAIRS)
    quadratic = Quadratic(size)
    for _ in range(PAIRS + 2):
        numpy_turn(optimizer, quadratic)
    return evaluation(registry.bundled().stem, size), lambda: numpy_turn(
        optimizer, quadratic
    )


def compared(size: int, turns: int, model: Path) -> Iterator[str]:
    """Rows of the table of times."""
    with tempfile.TemporaryDirectory() as folder, painter(model, Path(folder)) as own:
        own.page.evaluate(_PREPARE, [model.name, size, PAIRS])
        web = (
            in_browser(own.page, "evaluate", _EVALUATIONS),
            in_browser(own.page, "step", _STEPS),
        )
        sides = web, in_python(size)
        for name, *pair in zip(("evaluation", "step"), *sides, strict=True):
            spent = [[1000 * turn() for turn in pair] for _ in range(turns + 1)][1:]
            here, there = (median(times) for times in zip(*spent, strict=True))
            yield f"| {size} | {name} | {here:.1f} | {there:.1f} | {here / there:.1f} |"


def painted(size: int, threads: int, iterations: int, model: Path) -> str:
    """A row of the table of runs."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for file in DEMO.glob("*.jpg"):
            shutil.copy(file, folder)
        with painter(model, folder) as own:
            process = tab(own.page)
            began = time.perf_counter()
            settings = {"size": size, "iterations": iterations}
            own.begin("scene.jpg", "painting.jpg", settings=settings, threads=threads)
            own.reach(iterations * 3 // 4)
            there, files = _megabytes(process, "VmRSS", "RssFile")
            found = own.end()
            seconds = time.perf_counter() - began
            (most,) = _megabytes(process, "VmHWM")
    assert "problem" not in found, found["problem"]
    speed = f"{seconds:.0f}", f"{found['progress'][-1]['rate']:.1f}"
    row = size, threads, iterations, *speed, there, files, most
    return f"| {' | '.join(map(str, row))} |"


def _megabytes(process: psutil.Process, *names: str) -> list[int]:
    """Numbers of a process as Linux tells them."""
    text = Path(f"/proc/{process.pid}/status").read_text()
    lines = dict(line.split(":", 1) for line in text.splitlines())
    return [int(lines[name].split()[0]) * 1024 // 10**6 for name in names]


def main() -> None:
    """Measure and print two Markdown tables."""
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks.edge")
    parser.add_argument("--sizes", type=int, nargs="+", default=[256, 512])
    parser.add_argument("--turns", type=int, default=5)
    usual = [DEVICES["wasm"].iterations, 60]
    parser.add_argument("--iterations", type=int, nargs="*", default=usual)
    options = parser.parse_args()
    print(json.dumps(description(1)))
    model = registry.bundled()
    print("\n| px | | wasm ms | Python ms | ratio |\n|---|---|---|---|---|")
    for size in options.sizes:
        for row in compared(size, options.turns, model):
            print(row, flush=True)
    columns = "px", "threads", "evaluations", "s", "evaluations/s", "tab MB"
    print(f"\n| {' | '.join(columns)} | of which files | at most |\n{'|---' * 8}|")
    for size, iterations in zip(options.sizes, options.iterations, strict=False):
        for threads in range(1, min(2, available_cpus()) + 1):
            print(painted(size, threads, iterations, model), flush=True)


if __name__ == "__main__":
    main()
