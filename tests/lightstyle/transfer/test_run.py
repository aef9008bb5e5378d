"""Runs as streams of events."""

import signal
from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest

import lightstyle
from lightstyle import Model, Progress, Settings, Status, images
from lightstyle.losses.weights import Balance
from lightstyle.records import record
from lightstyle.transfer.events import Evaluated, Event, Finished, LevelStarted
from lightstyle.transfer.inputs import Inputs
from lightstyle.transfer.levels import Levels
from lightstyle.transfer.plans import Plans
from lightstyle.transfer.run import Run, play
from tests.support.transfers import CONTENT, QUICK, STYLE

LEVELS = Settings(size=128, enlarge=True, iterations=20, init="content")
TWO = replace(LEVELS, size=256)


def _run(model: Model, settings: Settings = TWO) -> Run:
    content, style = images.load(CONTENT), images.load(STYLE)
    inputs = Inputs.read(settings, (settings.size, settings.size), content, (style,))
    levels = Levels(inputs)
    plan = [(*level.size, level.until) for level in levels.plan]
    given = {"content": CONTENT, "style": STYLE}
    origin = record.of_run(
        "stylize", given, inputs.size, settings, plan, model, uninterrupted=True
    )
    return Run(model, levels, Plans(model, {}), Balance.of(settings), origin, 0.0)


def test_the_events_of_a_run_tell_its_levels_its_evaluations_and_its_end(
    model: Model,
) -> None:
    seen = [
        (type(event), event.level if isinstance(event, LevelStarted) else 0)
        for event in _run(model)
    ]
    assert seen == [
        (LevelStarted, 1),
        *[(Evaluated, 0)] * 7,
        (LevelStarted, 2),
        *[(Evaluated, 0)] * 13,
        (Finished, 0),
    ]


def test_every_listener_sees_every_event_in_order(model: Model) -> None:
    seen: list[tuple[int, type[Event]]] = []
    listeners = [lambda event, n=n: seen.append((n, type(event))) for n in (1, 2)]
    result = play(_run(model, LEVELS), listeners)
    assert result.evaluations == 20
    assert seen[::2] == [(1, kind) for _, kind in seen[1::2]]
    assert len(seen) == 2 * (2 + 20 + 1)


def test_a_cancelled_run_ends_with_the_best_picture(model: Model) -> None:
    run = _run(model, LEVELS)
    events = []
    for event in run:
        events.append(event)
        if isinstance(event, Evaluated) and event.progress.evaluation == 4:
            run.cancel()
    assert isinstance(events[-1], Finished)
    result = events[-1].result
    assert result.status is Status.CANCELLED
    assert result.evaluations == 4
    assert result.loss == min(losses.total for losses in result.history)


@pytest.mark.parametrize("optimizer", ["lbfgs", "lbfgsb"])
def test_a_run_can_be_left_at_any_event(model: Model, optimizer: str) -> None:
    events = iter(_run(model, replace(LEVELS, optimizer=optimizer)))
    kinds = [type(next(events)) for _ in range(4)]
    assert kinds == [LevelStarted, *[Evaluated] * 3]
    events.close()
    assert list(events) == []


def _interrupt_at(*evaluations: int) -> Callable[[Progress], None]:
    def callback(progress: Progress) -> None:
        for _ in range(evaluations.count(progress.evaluation)):
            signal.raise_signal(signal.SIGINT)

    return callback


def test_ctrl_c_keeps_the_best_picture(model: Model) -> None:
    result = lightstyle.stylize(
        CONTENT, STYLE, model=model, settings=QUICK, callback=_interrupt_at(5)
    )
    assert result.status is Status.CANCELLED
    assert result.evaluations == 5
    assert np.isfinite(result.image_hwc).all()
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


def test_a_second_ctrl_c_ends_the_run_at_once(model: Model) -> None:
    with pytest.raises(KeyboardInterrupt):
        lightstyle.stylize(
            CONTENT, STYLE, model=model, settings=QUICK, callback=_interrupt_at(5, 5)
        )
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


def test_a_program_that_handles_ctrl_c_itself_still_does(
    model: Model, monkeypatch: pytest.MonkeyPatch
) -> None:
    came: list[int] = []
    before = signal.signal(signal.SIGINT, lambda number, frame: came.append(number))
    try:
        result = lightstyle.stylize(
            CONTENT, STYLE, model=model, settings=QUICK, callback=_interrupt_at(5)
        )
    finally:
        signal.signal(signal.SIGINT, before)
    assert result.evaluations == QUICK.iterations
    assert came == [signal.SIGINT]
