"""Forecasts the memory, the evaluations and the time of a run before it begins."""

import math
from dataclasses import dataclass
from itertools import pairwise

from ..engine.model import Model
from ..engine.plan import ExecutionPlan
from ..images.frame import Frame
from ..text import duration
from .levels import Level, Levels
from .plans import Plans
from .speed_probe import SpeedProbe


@dataclass(frozen=True)
class Forecast:
    """What a run will take.

    Attributes:
        levels: Size of each level, and the evaluation that it ends with.
        layout: Execution plan at the final size, with the memory it takes.
        seconds: Time of the whole run.
        decoding: Bytes that the process needs while it reads the pictures.
        styles: Bytes that it needs while it computes the targets of the styles.
        workers: Workers of a cluster that compute the final size, if there are bands.
    """

    levels: tuple[Level, ...]
    layout: ExecutionPlan
    seconds: float
    decoding: int = 0
    styles: int = 0
    workers: int = 0

    @property
    def memory(self) -> int:
        """Bytes that the process is expected to need; 0 if the device does not tell."""
        needs = self.layout.memory, self.decoding, self.styles
        return self.layout.memory and max(needs)

    @property
    def table(self) -> dict[str, str]:
        """The forecast as text, by topic."""
        sizes = [f"{level.size[0]}x{level.size[1]}" for level in self.levels]
        ends = [0, *(level.until for level in self.levels)]
        counts = [str(end - begin) for begin, end in pairwise(ends)]
        shares = f" ({' + '.join(counts)})" if len(counts) > 1 else ""
        table = {
            "size": sizes[-1],
            "levels": ", ".join(sizes),
            "iterations": f"{ends[-1]}{shares}",
            "computed": f"{self.layout.how}, {self.layout.history}",
            "memory": f"{self.memory / 1e9:.2f} GB",
            "time": f"about {duration(self.seconds)}",
        }
        if not self.memory:  # unknown on this device
            del table["memory"]
        if self.layout.bands:
            each = f"{self.layout.worker_memory / 1e9:.2f} GB"
            table["workers"] = f"{self.workers}, {each} each"
            table["moved"] = f"{self.layout.moved / 1e6:.0f} MB an iteration"
        return table

    def __str__(self) -> str:
        """Return the forecast on one line."""
        table = self.table
        start = f"{table['size']}, {self.levels[-1].until} iterations, "
        if len(self.levels) > 1:
            start += f"{len(self.levels)} levels, "
        if "memory" in table:
            start += f"{table['memory']}, "
        if "workers" in table:
            start += f"workers {table['workers']}, "
        return f"{start}{table['time']}; computed {table['computed']}"


def forecast(model: Model, plans: Plans, levels: Levels, done: int = 0) -> Forecast:
    """Forecast a run.

    Args:
        model: Model of the run.
        plans: Chooses its execution plans.
        levels: Levels of the run.
        done: Evaluations before the run is resumed.

    Raises:
        UsageError: If the allowed memory is not enough, as the run would.
    """
    chosen = [plans.choose(scene) for scene in levels.scenes]
    probe = spread = SpeedProbe(model, levels.scenes[-1], chosen[-1])
    if any(plan.bands for plan in chosen):
        spread = SpeedProbe(model, levels.scenes[-1], chosen[-1], elsewhere=True)
    seconds, styles = 0.0, 0
    if not done:
        seconds += probe.balance(levels.scenes[-1])
    for level, plan, scene in zip(levels.plan, chosen, levels.scenes, strict=True):
        evaluations, done = level.until - done, max(done, level.until)
        if evaluations > 0:
            own = spread if plan.bands else probe
            seconds += own.seconds(level, plan, evaluations)
            # Another's plans: those that a run has used are part of its record.
            targets = Plans(model, plans.known).choose_styles(scene)
            for (size, _), each in zip(scene.style_sizes(), targets, strict=True):
                pixels = math.prod(Frame(size).canvas)
                seconds += pixels * each.overhead * probe.targets
                styles = max(styles, each.memory)
    decoding = levels.scenes[-1].inputs.decoding
    count = model.workers.count if model.workers else 0
    workers = min(chosen[-1].bands, count)
    return Forecast(levels.plan, chosen[-1], seconds, decoding, styles, workers)
