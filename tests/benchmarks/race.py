"""``python -m tests.benchmarks.race``: seconds to the loss that PyTorch's L-BFGS has.

Lightstyle and `torch.optim.LBFGS` (step length 1, history 100) minimise the same loss
of the same pictures with VGG19, in processes of their own that take turns of one
evaluation each. Both are judged by the loss of their picture clipped to 0…255, by one
model, outside the clock; all targets are computed before it starts.
"""

import json
import sys
from argparse import ArgumentParser, Namespace
from collections.abc import Sequence
from dataclasses import asdict, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final

import numpy as np
from PIL import Image, ImageOps

import lightstyle
from lightstyle.transfer.start import NOISE_DEVIATION, NOISE_MEAN
from tests.benchmarks import machine, stage, torch_peers
from tests.benchmarks.chart import Panel, save_chart
from tests.benchmarks.runs import Judge, Run, race
from tests.benchmarks.stage import Stage
from tests.benchmarks.task import SETTINGS, Array, Scene, Task
from tests.benchmarks.track import Crossing, Track, crossing

_DEMO: Final = Path(lightstyle.__file__).parent / "demo"

PEER: Final = "PyTorch LBFGS"
OURS: Final = ("lightstyle vgg19", "lightstyle vgg19-lite")

HEADER: Final = (
    "| start | peer's calls | loss | peer, s | contender | evaluations | s "
    "| calls ÷ evaluations | peer's s ÷ s |\n" + "|---" * 9 + "|"
)


def scene_of(options: Namespace, start: str) -> Scene:
    """The pictures, cut to squares of the size, and the start, as a transfer has it."""
    content, style = (
        _square(path, options.size) for path in (options.content, options.style)
    )
    if start == "content":
        return Scene(content, content, style)
    random = np.random.default_rng(SETTINGS.seed)
    noise = random.normal(NOISE_MEAN, NOISE_DEVIATION, content.shape)
    return Scene(noise.astype(np.float32), content, style)


def _square(path: Path, size: int) -> Array:
    with Image.open(path) as image:
        fitted = ImageOps.fit(
            image.convert("RGB"), (size, size), Image.Resampling.LANCZOS
        )
    return np.asarray(fitted, np.float32).transpose(2, 0, 1)[None].copy()


def tasks(options: Namespace, stage: Stage, start: str, scene: Scene) -> list[Task]:
    """Who races; the peer comes first, unless its run is taken from a file."""
    path, calls = stage.scene(start, scene), max(options.calls)
    found = [stage.ours(OURS[0], stage.vgg19, path, calls)]
    if options.bundled:
        found.append(stage.ours(OURS[1], stage.bundled, path, calls))
    if not options.against:
        found.insert(0, replace(stage.peer("eager", path, calls), name=PEER))
    return [
        replace(task, frames=str(stage.folder / f"frames-{start}-{number}"))
        for number, task in enumerate(found)
    ]


def row(start: str, name: str, found: Crossing, *, count: bool) -> str:
    """A row of the table; without seconds if only evaluations count."""
    best = "" if found.best == found.calls else f" (best at {found.best})"
    head = f"| {start} | {found.calls}{best} | {found.loss:.4e} "
    peer = "—" if count else f"{found.peer_seconds:.1f}"
    if found.evaluations is None or found.seconds is None:
        why = f": {found.ended}" if found.ended else ""
        return head + f"| {peer} | {name} | not reached{why} | — | — | — |"
    saved = found.best / found.evaluations
    cells = "— | {0:.2f} | —" if count else "{1:.1f} | {0:.2f} | {2:.2f}"
    ratio = found.peer_seconds / found.seconds
    cells = cells.format(saved, found.seconds, ratio)
    return head + f"| {peer} | {name} | {found.evaluations} | {cells} |"


class Record:
    """All that was measured, kept as JSON and drawn as it grows."""

    def __init__(self, options: Namespace) -> None:
        self._options = options
        self._races: dict[str, list[Track]] = {}
        self._rows: list[dict[str, Any]] = []
        self._facts = {
            "machine": machine.description(options.threads),
            "size": options.size,
            "pictures": [options.content.name, options.style.name],
        }

    def keep(self, start: str, tracks: list[Track]) -> None:
        """Write the tracks of a race so far, and the picture."""
        self._races[start] = tracks
        if self._options.json:
            races = {
                name: [track.as_record() for track in tracks]
                for name, tracks in self._races.items()
            }
            text = json.dumps(
                {**self._facts, "races": races, "rows": self._rows}, indent=1
            )
            self._options.json.write_text(text, "utf-8")
        if self._options.picture:
            count = self._options.count
            panels = [
                Panel(f"from {name}", [track.curve(count=count) for track in tracks])
                for name, tracks in self._races.items()
            ]
            label = "evaluations" if count else "seconds"
            save_chart(self._options.picture, panels, label)

    def add_row(self, start: str, name: str, found: Crossing) -> None:
        """Note a row of the table."""
        self._rows.append({"start": start, "contender": name, **asdict(found)})

    def past_peer(self, path: Path, start: str) -> Track:
        """The peer's track in the JSON of another race of the same pictures.

        Raises:
            ValueError: The pictures, their size or the start are others.
        """
        past = json.loads(path.read_text("utf-8"))
        for fact in ("size", "pictures"):
            if past[fact] != self._facts[fact]:
                raise ValueError(
                    f"{fact} in {path} is {past[fact]}, expected {self._facts[fact]}"
                )
        for track in map(Track.of_record, past["races"].get(start, ())):
            if track.name == PEER:
                return track
        raise ValueError(f"{path} has no race of {PEER} from {start}")


def run_from(
    start: str, options: Namespace, stage: Stage, record: Record
) -> list[tuple[str, Crossing]]:
    """A race from one start: for each of ours, and each number of calls, a crossing."""
    scene = scene_of(options, start)
    past = [record.past_peer(options.against, start)] if options.against else []
    judge = Judge(stage.vgg19, scene, options.threads)

    def look(call: int, runs: list[Run]) -> None:
        tracks = [*past, *(run.track for run in runs)]
        record.keep(start, tracks)
        for track in tracks:
            line = f"{start} {call}: {track.name} {track.until(call):.1f} s"
            loss = track.losses.get(call)
            print(line, "" if loss is None else f"{loss:.4e}", file=sys.stderr)

    todo = tasks(options, stage, start, scene)
    runs = race(todo, judge, scene, judged(options.calls, options.every), look)
    peer = past[0] if past else runs.pop(0).track
    found = [
        (run.track.name, crossing(calls, peer, run.track, run.loss))
        for run in runs
        for calls in options.calls
    ]
    for name, each in found:
        record.add_row(start, name, each)
    tracks = [peer, *(run.track for run in runs)]
    record.keep(start, tracks)
    for track in tracks:
        lost = sum(track.seconds) - sum(track.quiet)
        print(f"{start}: {track.name} disturbed for {lost:.1f} s", file=sys.stderr)
    return found


def judged(calls: Sequence[int], every: int) -> list[int]:
    """After which calls pictures are judged: every so many, and those asked for."""
    return sorted({*calls, *range(every, max(calls) + 1, every)})


def main() -> None:
    """Race, and print a Markdown table."""
    parser = ArgumentParser(prog="python -m tests.benchmarks.race")
    stage.add_options(parser)
    parser.add_argument("--size", type=int, default=512)
    parser.add_argument("--calls", type=int, nargs="+", default=[100, 200, 500])
    starts = ("content", "noise")
    parser.add_argument("--starts", nargs="+", choices=starts, default=starts)
    parser.add_argument("--content", type=Path, default=_DEMO / "scene.jpg")
    parser.add_argument("--style", type=Path, default=_DEMO / "painting.jpg")
    parser.add_argument("--bundled", action="store_true", help="race it, too")
    parser.add_argument("--every", type=int, default=10, help="judge each so manyth")
    parser.add_argument("--count", action="store_true", help="evaluations, no seconds")
    parser.add_argument("--against", type=Path, help="JSON with the peer's run")
    parser.add_argument("--picture", type=Path, help="loss against seconds")
    options = parser.parse_args()
    options.count = options.count or options.against is not None
    if not (options.against or torch_peers.installed()):
        parser.error("PyTorch is not installed: pip install torch, or give --against")
    record = Record(options)
    print(json.dumps(machine.description(options.threads)), HEADER, sep="\n\n")
    for start in options.starts:
        with TemporaryDirectory() as folder:
            prepared = stage.of_options(options, Path(folder))
            for name, found in run_from(start, options, prepared, record):
                print(row(start, name, found, count=options.count), flush=True)


if __name__ == "__main__":
    main()
