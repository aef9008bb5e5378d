"""``python -m tests.benchmarks.sizes``: any size, in how much memory and time.

For each size and budget a process of its own makes a transfer with VGG19 as
`lightstyle stylize` does, up to the first evaluation, then fills the optimiser's
history with a cheap objective (more than its pairs of accepted steps), and evaluates
once more. Printed are the layout that was chosen, the memory that it predicted and the
peak that the operating system counted for the whole process, and the seconds of the
second evaluation relative to a whole 1024² for the same number of pixels.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from time import perf_counter
from typing import Any

import numpy as np

from lightstyle import Model, Settings, memory
from lightstyle.errors import UsageError
from lightstyle.lbfgs import LBFGS
from lightstyle.objective import Objective
from lightstyle.variables import Pyramid
from tests.benchmarks.machine import description, threads
from tests.networks import WEIGHTS_VARIABLE, picture

#: Width, height and budget; the first, computed whole, is what the others' time is
#: measured by.
CASES = (
    "1024x1024@8GB",
    "1024x1024@1GB",
    "2048x2048@2.5GB",
    "4096x3072@10GB",
)


def report(path: Path, case: str) -> dict[str, Any]:
    """Run a case in this process."""
    size, _, budget = case.partition("@")
    width, height = map(int, size.split("x"))
    model = Model.load(path, "cpu", threads(), memory.parse(budget))
    try:
        layout = model.layout(height, width)
    except UsageError as error:
        return {"refused": str(error)}
    start = picture(height, width)[None]
    objective = Objective(model, Settings(), start, start, start, layout.plan)
    optimizer = LBFGS(
        start.ravel(),
        (0.0, 255.0),
        variables=Pyramid(start.shape[1:]),
        history=layout.history,
    )
    del start
    optimizer.accept(*objective(optimizer.propose()))
    for step in range(layout.history.pairs + 2):
        point = optimizer.propose()
        optimizer.accept(float(np.mean(point)) - step, np.cos(point / 50 + step))
    began = perf_counter()
    optimizer.accept(*objective(optimizer.propose()))
    seconds = perf_counter() - began
    return {
        "layout": f"{layout.how}, {layout.history}",
        "predicted": layout.memory / 1e9,
        "peak": _peak() / 1e9,
        "seconds": seconds,
        "pixels": width * height,
    }


def _peak() -> int:
    for line in Path("/proc/self/status").read_text("ascii").splitlines():
        if line.startswith("VmHWM:"):
            return 1024 * int(line.split()[1])
    raise RuntimeError("this system does not say how much memory a process took")


def main() -> None:
    """Print the table, or run one case for it."""
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks.sizes")
    default = os.environ.get(WEIGHTS_VARIABLE)
    parser.add_argument("--weights", type=Path, default=default, required=not default)
    parser.add_argument("--cases", nargs="+", default=CASES, metavar="WxH@MEMORY")
    parser.add_argument("--run", nargs=2, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.run:
        print(json.dumps(report(Path(options.run[0]), options.run[1])))
        return
    from export import export_model  # which has no place in the memory of a case

    print(f"{description(threads())}\n")
    print("| size@budget | layout | predicted GB | peak GB | seconds | × whole 1024² |")
    print("|---|---|---|---|---|---|")
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "vgg19.onnx"
        export_model(options.weights, path)
        whole = 0.0
        for case in options.cases:
            command = [sys.executable, "-m", "tests.benchmarks.sizes"]
            done = subprocess.run(
                [*command, "--weights", str(path), "--run", str(path), case],
                stdout=subprocess.PIPE,
                check=True,
            )
            found = json.loads(done.stdout)
            if "refused" in found:
                print(f"| {case} | {found['refused']} | | | | |", flush=True)
                continue
            rate = found["seconds"] / found["pixels"]
            whole = whole or rate
            print(
                f"| {case} | {found['layout']} | {found['predicted']:.2f} | "
                f"{found['peak']:.2f} | {found['seconds']:.1f} | {rate / whole:.2f} |",
                flush=True,
            )


if __name__ == "__main__":
    main()
