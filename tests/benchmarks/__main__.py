"""``python -m tests.benchmarks``: speed and memory of an evaluation, beside the peers.

One loss and gradient of the same pictures, by VGG19 and the bundled model on Lightstyle
and by VGG19 on PyTorch, if that is installed; and the same with an optimiser's step.
"""

import json
from argparse import ArgumentParser
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np

from tests.benchmarks import machine, stage, torch_peers
from tests.benchmarks.contest import Contender, contest, warm_up
from tests.benchmarks.stage import Stage
from tests.benchmarks.task import Scene, Task, load_scene
from tests.support.networks import picture

#: Rows of VGG19's loss; the bundled model's is an estimate of it.
OURS, BUNDLED = "lightstyle vgg19", "lightstyle vgg19-lite"

HEADER = (
    "| size | contender | s/evaluation | × lightstyle vgg19 | peak GB, first turn "
    "| peak GB, all turns | loss gap | gradient off float64 |\n" + "|---" * 8 + "|"
)


def tasks(stage: Stage, size: int, repeats: int) -> list[Task]:
    """All contenders at a size; ours with VGG19 comes first."""
    scene = Scene(*(picture(size, size, seed)[None] for seed in range(3)))
    path = stage.scene(str(size), scene)
    steps = 100 + repeats  # more than will be asked for
    found = [
        stage.ours(OURS, stage.vgg19, path),
        stage.ours(BUNDLED, stage.bundled, path),
        stage.ours(f"{BUNDLED} + step", stage.bundled, path, steps),
    ]
    if torch_peers.installed():
        found += [stage.peer(variant, path) for variant in torch_peers.VARIANTS]
        found.append(stage.peer("eager", path, steps))
    return found


def row(size: int, contender: Contender, ours: Contender, off: str) -> str:
    """A contender's row of the table."""
    name, warm = contender.task.name, warm_up(contender.task)
    if contender.failed:
        return f"| {size} | {name} | failed: {contender.failed} |" + " — |" * 5
    seconds = contender.median(warm)
    ratio = seconds / ours.median(warm_up(ours.task))
    first, last = (contender.reports[turn]["memory"] / 1e9 for turn in (0, -1))
    gap = abs(contender.reports[0]["loss"] / ours.reports[0]["loss"] - 1)
    return (
        f"| {size} | {name} | {seconds:.3f} | {ratio:.2f} | {first:.2f} | {last:.2f} "
        f"| {gap:.0e} | {off} |"
    )


def distances(
    stage: Stage, contenders: list[Contender], folder: Path
) -> tuple[float, dict[str, float]]:
    """The loss in float64, and each VGG19's gradient's relative L2 distance from its.

    The gradients are those that `contest` left in `folder`.
    """
    scene = load_scene(contenders[0].task.scene)
    loss, exact = torch_peers.reference(stage.network, scene)
    found = {}
    for number, contender in enumerate(contenders):
        path = folder / f"{number}.npy"
        if path.exists() and not contender.task.name.startswith(BUNDLED):
            distance = np.linalg.norm(np.load(path) - exact) / np.linalg.norm(exact)
            found[contender.task.name] = float(distance)
    return loss, found


def as_record(size: int, contender: Contender) -> dict[str, Any]:
    """All that is known of a contender, for JSON."""
    return {
        "size": size,
        "name": contender.task.name,
        "failed": contender.failed,
        "warm_up": warm_up(contender.task),
        "turns": contender.reports,
    }


def main() -> None:
    """Run the contests and print a Markdown table."""
    parser = ArgumentParser(prog="python -m tests.benchmarks")
    stage.add_options(parser)
    parser.add_argument("--sizes", type=int, nargs="+", default=[256, 512, 1024])
    parser.add_argument("--repeats", type=int, default=5, help="turns that count")
    parser.add_argument("--reference", type=int, default=256, help="size for float64")
    options = parser.parse_args()
    record: dict[str, Any] = {"machine": machine.description(options.threads)}
    record["contenders"] = []
    print(json.dumps(record["machine"]), HEADER, sep="\n\n", flush=True)
    notes, failed = "", set[str]()
    for size in options.sizes:
        with TemporaryDirectory() as name:
            prepared = stage.of_options(options, folder := Path(name))
            todo = tasks(prepared, size, options.repeats)
            todo = [task for task in todo if task.name not in failed]
            contenders = contest(todo, options.repeats, folder)
            off: dict[str, float] = {}
            if size == options.reference and torch_peers.installed():
                loss, off = distances(prepared, contenders, folder)
                record["float64"] = {"size": size, "loss": loss, "gradient_off": off}
                gap = abs(contenders[0].reports[0]["loss"] / loss - 1)
                notes = f"\nLoss of {OURS} at {size}: off float64 by {gap:.0e}."
        for each in contenders:
            distance = f"{off[each.task.name]:.0e}" if each.task.name in off else "—"
            print(row(size, each, contenders[0], distance), flush=True)
        failed |= {each.task.name for each in contenders if each.failed}
        record["contenders"] += [as_record(size, each) for each in contenders]
        if options.json:
            options.json.write_text(json.dumps(record, indent=1), "utf-8")
    print(notes)


if __name__ == "__main__":
    main()
