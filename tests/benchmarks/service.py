"""``python -m tests.benchmarks.service``: what a job costs beside a picture of a batch.

A server with one worker gets jobs from a client that sends one after the other, and
`lightstyle batch` paints the same picture as often, in turns of 100. A job takes from
when the first of its turn is sent to when the last is done, over their number: sending
and keeping them is included. A picture of the batch takes the time between the first
and the last result, over the number between: start and model are not. The server is the
same throughout, and is to hold at most 1.1 times as much memory after the last turn as
after the first.
"""

import argparse
import os
import shutil
import sys
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from time import time
from typing import Any, Final

import psutil

from lightstyle.model_folder import BUNDLED_MODEL
from lightstyle.settings.fields import option_of
from tests.benchmarks.machine import description
from tests.conftest import draw_pictures
from tests.support.processes import start, wait_for
from tests.support.serving import Server, form, serving

#: Jobs of a turn.
TURN: Final = 100

#: Most that the memory may grow by, and that a job may cost more.
GROWTH, OVERHEAD = 1.1, 1.15

#: With a weight given, a job is its evaluations alone: no balance is looked for.
_SETTINGS: Final[Mapping[str, Any]] = {"size": 64, "iterations": 3, "style_weight": 1e4}


@dataclass(frozen=True)
class Turn:
    """What a turn took: seconds of a picture and of a job, the server's own share."""

    picture: float
    job: float
    server: float
    resident: int

    @property
    def ratio(self) -> float:
        return self.job / self.picture


def jobs(server: Server) -> tuple[float, float, int]:
    """Seconds of a job, of the server's CPU time in it, and its memory after all."""
    process = psutil.Process(server.process.pid)
    request = form(_SETTINGS)
    used, began = sum(process.cpu_times()[:2]), time()
    for _ in range(TURN):
        answer = server.client.post("/v1/jobs", **request)
        assert answer.status_code == 202, answer.text
    last = answer.json()["id"]
    wait_for(lambda: server.state(last) == "done", 600)
    ended = server.status(last)["since"]
    used = sum(process.cpu_times()[:2]) - used
    return (ended - began) / TURN, used / TURN, process.memory_info().rss


def batch(folder: Path, runtime: tuple[object, ...]) -> float:
    """Seconds of a picture of a batch under way."""
    out = folder / "out"
    settings = [part for n, v in _SETTINGS.items() for part in (f"--{option_of(n)}", v)]
    process = start(
        *("batch", folder / "many", folder / "style.png", "-o", out),
        *(*settings, *runtime, "--quiet"),
    )
    _, said = process.communicate()
    assert process.returncode == 0, said
    written = [path.stat().st_mtime for path in out.iterdir()]
    shutil.rmtree(out)
    return (max(written) - min(written)) / (len(written) - 1)


def main() -> None:
    """Print a table, and whether the bars are met."""
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks.service")
    parser.add_argument("--jobs", type=int, default=1000)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--model", default=BUNDLED_MODEL)
    options = parser.parse_args()
    if options.jobs < 2 * TURN:
        parser.error(f"at least {2 * TURN} jobs are compared")
    print(f"{description(options.threads)}\n")
    model = Path(options.model)
    model = model.resolve() if model.exists() else model
    threads = ("--threads", options.threads)
    most = ("--max-jobs", TURN + 1, "--max-client-jobs", TURN + 1)
    turns, workers = list[Turn](), set[int]()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        draw_pictures(folder)
        (folder / "many").mkdir()
        for number in range(TURN):
            shutil.copy(folder / "content.png", folder / "many" / f"{number}.png")
        os.chdir(folder)
        print("| jobs | ms a picture | ms a job | ratio | server's | resident MB |")
        print("|---|---|---|---|---|---|")
        with serving(folder / "data", model, *threads, *most) as server:
            server.until(server.submit(_SETTINGS), "done")  # its worker is there now
            for number in range(options.jobs // TURN):
                picture = batch(folder, ("--model", model, *threads))
                turn = Turn(picture, *jobs(server))
                workers |= {child.pid for child in server.children()}
                turns.append(turn)
                print(
                    f"| {TURN * (number + 1)} | {1000 * turn.picture:.1f} "
                    f"| {1000 * turn.job:.1f} | {turn.ratio:.3f} "
                    f"| {1000 * turn.server:.1f} | {turn.resident / 1e6:.0f} |",
                    flush=True,
                )
            kept = (folder / "data" / "jobs").glob("*/result.png")
            done = len(list(kept)) - 1
    ratio = median(turn.ratio for turn in turns)
    growth = turns[-1].resident / turns[0].resident
    rate = 1 / median(turn.job for turn in turns)
    print(
        f"\n{done} of {TURN * len(turns)} jobs done by {len(workers)} workers, "
        f"{rate:.1f} a second, {ratio - 1:+.1%} over batch (allowed {OVERHEAD - 1:.0%})"
        f"; memory × {growth:.3f} (allowed {GROWTH})"
    )
    sys.exit(int(ratio > OVERHEAD or growth > GROWTH))


if __name__ == "__main__":
    main()
