"""A process for one contender: evaluates once for every line it is sent."""

import json
import sys
from pathlib import Path
from time import perf_counter

import numpy as np

from tests.benchmarks.contenders import CONTENDERS, of_model


def peak_memory() -> int:
    """Most memory this process has had resident, in bytes."""
    for line in Path("/proc/self/status").read_text("ascii").splitlines():
        if line.startswith("VmHWM:"):
            return int(line.split()[1]) * 1024
    raise OSError("no VmHWM in /proc/self/status")


def main(name: str, weights: str, size: str) -> None:
    """Serve evaluations of the contender called `name`, or of ``lightstyle:MODEL``."""
    kind, _, path = name.partition(":")
    if path:
        evaluate = of_model(Path(path), int(size))
    else:
        evaluate = CONTENDERS[kind](Path(weights), int(size))
    print("ready", flush=True)
    for _ in sys.stdin:
        began = perf_counter()
        loss, gradient = evaluate()
        seconds = perf_counter() - began
        report = {
            "seconds": seconds,
            "loss": loss,
            "gradient": float(np.linalg.norm(gradient.astype(np.float64))),
            "memory": peak_memory(),
        }
        print(json.dumps(report), flush=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
