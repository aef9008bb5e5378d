"""Seeds: records, checkpoints, presets and lists, made by runs of a moment."""

import json
import shutil
from pathlib import Path
from typing import Final
from unittest import mock

import numpy as np

from lightstyle.cli.app import main
from lightstyle.records import archive
from lightstyle.settings import presets
from lightstyle.settings.settings import Settings
from tests.support.transfers import until

from . import child
from .commands import command
from .stage import Stage

_RUNS: Final = {
    "plain": "stylize content.ppm style.ppm QUICK",
    "masked": "stylize content.ppm style.ppm QUICK --content-mask mask.pgm",
    "matched": "stylize content.ppm style.ppm QUICK --style-loss match",
    "texture": "texture style.ppm QUICK --size 32x32",
}


def records() -> dict[str, bytes]:
    """Return pictures with records, by name."""
    made = {}
    for name, line in _RUNS.items():
        for suffix in ("png", "jpg", "webp", "tif") if name == "plain" else ("png",):
            output = f"{name}.{suffix}"
            made[f"made-{output}"] = _made(f"{line} -o {output}", output)
    made["painted/one.png"] = made["made-plain.png"]
    return made


def checkpoints(stage: Stage) -> dict[str, bytes]:
    """Return checkpoints of runs that were interrupted, by name.

    The paths in them are relative, so that they are good in the folder of any campaign.
    """
    made = {}
    for name, line in _RUNS.items():
        more = f"--iterations 4 --checkpoint {name} -o out.png"
        path = Path(name)
        path.write_bytes(_made(f"{line} {more}", name, interrupted=True))
        kept = archive.read(path)
        arrays = {key: np.array(kept[key]) for key in kept}
        snapshot = json.loads(kept.snapshot.replace(f"{stage.root}/", ""))
        snapshot["elapsed"] = 1.0  # times differ from run to run
        for losses in snapshot["history"]:
            losses["seconds"] = 0.25
        archive.write(path, json.dumps(snapshot), arrays)
        made[f"{name}.checkpoint"] = path.read_bytes()
        for left in archive.files(path):
            left.unlink(missing_ok=True)
        Path("out.png").unlink()
    return made


def presets_() -> dict[str, bytes]:
    """Return presets: one with all settings, and one with a few."""
    few = 'style-weight = 1e5\nstyle-layers = "conv1_1:2,conv3_1"\nseed = 7\n'
    return {"all.toml": presets.write(Settings()).encode(), "few.toml": few.encode()}


def lists(stage: Stage) -> dict[str, bytes]:
    """Return a list of pictures that failed."""
    bad = Path("photos/bad.png")
    bad.write_bytes(b"no picture")
    line = "batch photos style.ppm QUICK -o painted --failures bad.jsonl"
    data = _made(line, "bad.jsonl").replace(f"{stage.root}/".encode(), b"")
    bad.unlink()
    shutil.rmtree("painted")
    good = data.replace(b"bad.png", b"one.ppm") + data.replace(b"bad.png", b"two.ppm")
    return {"failed.jsonl": good}


def _made(line: str, output: str, *, interrupted: bool = False) -> bytes:
    """Run a command and take the file that it wrote."""

    def work() -> None:
        stop = until(3)
        cancel = "lightstyle.cli.progress.StopSignal.__call__"
        with mock.patch(cancel, lambda _, progress: interrupted and stop(progress)):
            main([*command(line, "").arguments])

    outcome = child.run(work)
    path = Path(output)
    if not path.is_file():
        raise RuntimeError(f"{line} made nothing: {outcome.err.decode()}")
    data = path.read_bytes()
    path.unlink()
    return data
