"""Runs a job: from the images that it has read to the result."""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from time import perf_counter
from typing import Any

from ..engine.model import Model
from ..records import record
from ..records.checkpoint import Checkpoint
from ..records.checkpoint_writer import CheckpointWriter
from ..records.origin import Origin
from ..records.record import Record
from ..zoo import registry
from . import balance
from .events import Callback, Evaluated, Event, Listener
from .forecast import Forecast, forecast
from .inputs import Inputs
from .interrupt import Interrupt
from .levels import Levels
from .plans import Plans
from .result import Result
from .run import Run, play

#: Sees what a run will take, before it begins.
Announce = Callable[[Forecast], None]


@dataclass(frozen=True)
class JobCall:
    """A call of one of the jobs.

    Attributes:
        name: Name of the function.
        given: Images and size that it was called with.
        inputs: Images that it read.
    """

    name: str
    given: Mapping[str, Any]
    inputs: Inputs

    def run(
        self,
        model: Model | str | Path | None,
        callback: Callback | None,
        checkpoint: Checkpoint | None,
        announce: Announce | None,
        like: Record | None,
    ) -> Result:
        """Run the job; the arguments are those of `stylize`."""
        settings, size = self.inputs.settings, self.inputs.size
        loaded = checkpoint.saved if checkpoint else None
        saved = loaded.snapshot if loaded else None
        began = perf_counter() - (saved.elapsed if saved else 0.0)
        levels = Levels(self.inputs)
        if loaded:
            loaded.check_level([level.size for level in levels.plan])
        if not isinstance(model, Model):
            if model is None and like is not None:
                model = registry.with_weights(like.weights)
            model = registry.load(model, settings, job=self.name)
        registry.check(model.info, settings, self.name)
        model.check_precision(settings.precision)
        if loaded:
            loaded.check_model(model.info)
        writer = None
        if checkpoint:
            if saved:
                origin = saved.origin
            else:
                origin = Origin.of(self.name, self.given, settings, model.info)
            writer = CheckpointWriter(
                checkpoint, origin, 3 * math.prod(levels.scenes[-1].frame.canvas)
            )
        wanted = {**(like.layouts if like else {}), **(saved.plans if saved else {})}
        # The finest level takes the most: without the memory for it, none is begun.
        first = Plans(model, wanted)
        first.choose(levels.scenes[-1])
        first.choose_styles(levels.scenes[-1])
        plans, done = Plans(model, wanted), len(saved.history) if saved else 0
        if announce is not None:
            announce(forecast(model, plans, levels, done))
        unfinished = record.of_run(
            self.name,
            self.given,
            size,
            settings,
            [(*level.size, level.until) for level in levels.plan],
            model,
            uninterrupted=saved is None or saved.optimizer is not None,
        )
        with Interrupt() as interrupt:
            if saved is None:
                weights = balance.found(model, self.inputs, plans)
            else:
                weights = saved.balance
            run = Run(model, levels, plans, weights, unfinished, began, saved)
            listeners: list[Listener] = [interrupt]
            if callback is not None:
                listeners.insert(0, partial(_show, callback))
            if writer is not None:
                listeners.append(partial(_keep, writer, run))
            result = play(run, listeners)
        failure = writer.failure if writer else ""
        notes = (*result.notes, *filter(None, [failure]))
        return replace(result, notes=notes, checkpoint_failure=failure)


def _show(callback: Callback, event: Event) -> None:
    if isinstance(event, Evaluated):
        callback(event.progress)


def _keep(writer: CheckpointWriter, run: Run, event: Event) -> None:
    """Write a checkpoint if it is time, or if the run was cancelled."""
    if isinstance(event, Evaluated) and (run.cancelled or writer.due):
        progress = event.progress
        writer.write(
            event.state,
            progress.history,
            progress.seconds,
            progress.level - 1,
            run.balance,
            event.plans,
            event.level_start,
        )
