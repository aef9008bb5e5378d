"""The formulas of one step of L-BFGS, with neither branches nor loops.

They are those of ``lightstyle/optimize/lbfgs.py``, whose text says what each rule is
for, with the decisions as numbers: a truth value chooses between what either outcome
would give. State that is zero all over is the start. Departures from the other one:

* A decrease of the loss is the sum of differences of partial sums: float32 resolves
  that where it would not resolve a difference of sums.
* Where a trial does not lead downhill, the plain gradient without a history is next,
  instead of a shorter trial along the same direction. In 1,664 steps of seven runs,
  among them noise and checkerboards of black and white, this did not happen once.
"""

from dataclasses import dataclass
from typing import Final

from lightstyle import contract
from lightstyle import step_contract as names

from ..graph import Tensor
from .history import LEAST_COSINE, History
from .pyramid import PyramidMap
from .values import TINY, Value, count, joined, root_mean_square, where

#: Least and greatest value of a pixel.
LOW: Final = 0.0
HIGH: Final = 255.0

#: Root mean square of the first step, in grey levels.
FIRST_STEP: Final = 1.0

#: Share of the decrease promised by the gradient that a step must bring.
SUFFICIENT: Final = 1e-4

#: Trials of a step before the history is given up, and then the whole descent.
TRIALS: Final = 8

#: The descent ends after `PATIENCE` steps in succession that each lower the loss by
#: less than the share `RESOLUTION`.
RESOLUTION: Final = 1e-7
PATIENCE: Final = 5


@dataclass(frozen=True, eq=False)
class Evaluated:
    """What the step is told of a picture.

    Attributes:
        image: The picture that was evaluated, (1, 3, H, W).
        gradient: Gradient of the loss there.
        sums: Weighted partial sums of the loss there, (K,).
    """

    image: Tensor
    gradient: Tensor
    sums: Tensor


@dataclass(frozen=True, eq=False)
class _Known:
    """What is known of the run before the evaluation.

    Attributes:
        state: State by name.
        number: Numbers of the state by name.
        nothing: Whether this is the first evaluation.
    """

    state: dict[str, Value]
    number: dict[str, Value]
    nothing: Value


@dataclass(frozen=True, eq=False)
class _Verdict:
    """Whether the loss is low enough, and the point from now on.

    Attributes:
        accepted: Whether the picture that was evaluated is the point now.
        moved: Whether it is, and there was a point before.
        trials: Number of pictures in succession that were not accepted.
        given_up: Whether these are too many.
        point: The point.
        gradient: Scaled gradient there.
    """

    accepted: Value
    moved: Value
    trials: Value
    given_up: Value
    point: Value
    gradient: Value


@dataclass(frozen=True, eq=False)
class _Curvature:
    """What steps have told of the curvature.

    Attributes:
        history: The pairs.
        scale: Factor of the initial inverse Hessian.
        reach: Root mean square of a step without pairs.
    """

    history: History
    scale: Value
    reach: Value


def step(
    evaluated: Evaluated, mask: Value, old: dict[str, Value], *, rewrite: bool
) -> dict[str, Value]:
    """Append the nodes of the step.

    Args:
        evaluated: What was evaluated.
        mask: 1 where pixels may change, (1, 1, H, W).
        old: State by name.
        rewrite: Whether all pairs are written anew, as `append_step` says.

    Returns:
        The next picture and the next state by name.
    """
    image, gradient, sums = (
        mask.wrap(each)
        for each in (evaluated.image, evaluated.gradient, evaluated.sums)
    )
    number = _numbers(old[names.NUMBERS])
    known = _Known(old, number, number["evaluations"] < 0.5)
    values = count(image)
    factor = _factor(known, gradient, values)
    scaled = gradient * factor * mask
    decrease = (old[names.POINT_SUMS] - sums).sum() * factor

    taken = image - old[names.POINT]
    slope = old[names.POINT_GRADIENT].dot(taken)
    verdict = _judged(known, image, scaled, -decrease <= slope * SUFFICIENT)
    change = scaled - old[names.POINT_GRADIENT]
    pyramid = PyramidMap(image)
    curvature = _learned(known, verdict, taken, change, pyramid, rewrite=rewrite)
    downhill, aimed = _aimed(verdict, curvature, pyramid, mask)
    aims = verdict.accepted.greatest(verdict.given_up)
    direction = where(aims, aimed, old[names.DIRECTION])

    # How far: as promised, or at first a little, or less than what failed.
    x, history = verdict.point, curvature.history
    length = root_mean_square(direction, values)
    whole = where(history.count > 0.5, 1.0, curvature.reach / length.greatest(TINY))
    least = slope * 0.5 / (slope + decrease)
    shorter = number["step"] * least.clipped(0.1, 0.5)
    size = where(aims, whole, shorter)
    trial = (x + direction * size).clipped(LOW, HIGH)
    leads = verdict.gradient.dot(trial - x) < 0.0
    lost = 1.0 - leads

    steepness = root_mean_square(downhill, values)
    plain = FIRST_STEP / steepness.greatest(TINY)
    trial = where(leads, trial, (x - downhill * plain).clipped(LOW, HIGH))
    direction = where(leads, direction, -downhill)
    history = history.forgotten(lost)

    # A trial that cannot get shorter, or has failed too often, ends it all where no
    # history was to blame.
    ended = verdict.given_up.greatest(lost * (1.0 - aims)) * (number["pairs"] < 0.5)
    total = sums.sum()
    lowered = decrease > total.mapped("Abs") * factor * RESOLUTION
    idle = where(
        verdict.accepted,
        verdict.moved * (1.0 - lowered) * (number["idle"] + 1.0),
        number["idle"],
    )
    stalled = (idle > PATIENCE - 0.5).greatest(ended).greatest(steepness <= TINY)
    numbers = {
        "evaluations": number["evaluations"] + 1.0,
        "loss": total,
        "factor": factor,
        "step": where(leads, size, plain),
        "scale": where(leads, curvature.scale, 1.0),
        "reach": where(leads, curvature.reach, FIRST_STEP),
        "trials": verdict.trials * (1.0 - verdict.given_up) * leads,
        "pairs": history.count,
        "idle": idle,
        "stalled": stalled,
        "accepted": verdict.accepted,
        "slope": root_mean_square(scaled, values),
    }
    return {
        contract.IMAGE: trial,
        names.POINT: x,
        names.POINT_GRADIENT: verdict.gradient,
        names.DIRECTION: direction,
        names.STEPS: history.steps,
        names.CHANGES: history.changes,
        names.INVERSE: history.inverse,
        names.POINT_SUMS: where(verdict.accepted, sums, old[names.POINT_SUMS]),
        names.NUMBERS: joined([numbers[name] for name in names.NUMBER_NAMES]),
    }


def _factor(known: _Known, gradient: Value, values: Value) -> Value:
    """Return the factor of losses with which the first gradient has a mean square of 1.

    Args:
        known: What is known of the run.
        gradient: The gradient of the loss.
        values: Number of its values.
    """
    unit = root_mean_square(gradient, values)
    unit = where(unit > 0.0, unit, 1.0)
    return where(known.nothing, 1.0 / unit, known.number["factor"])


def _judged(known: _Known, image: Value, gradient: Value, enough: Value) -> _Verdict:
    """Take the picture for the point if its loss is low enough.

    Args:
        known: What is known of the run.
        image: The picture.
        gradient: Scaled gradient there.
        enough: Whether the loss is low enough.
    """
    accepted = known.nothing.greatest(enough)
    moved = accepted - known.nothing
    point = where(accepted, image, known.state[names.POINT])
    there = where(accepted, gradient, known.state[names.POINT_GRADIENT])
    trials = (1.0 - accepted) * (known.number["trials"] + 1.0)
    return _Verdict(accepted, moved, trials, trials > TRIALS - 0.5, point, there)


def _learned(
    known: _Known,
    verdict: _Verdict,
    taken: Value,
    change: Value,
    pyramid: PyramidMap,
    *,
    rewrite: bool,
) -> _Curvature:
    """Take in what a step tells of the curvature, or forget all if it is given up.

    Args:
        known: What is known of the run.
        verdict: What became of the step.
        taken: The step, from the point to the picture.
        change: Difference of the gradients.
        pyramid: Map of the picture.
        rewrite: Whether all pairs are written anew.
    """
    state, number, first = known.state, known.number, known.nothing
    curvature = taken.dot(change)
    lengths = taken.dot(taken).sqrt() * change.dot(change).sqrt()
    good = verdict.moved * (curvature > lengths * LEAST_COSINE)
    history = History(
        state[names.STEPS],
        state[names.CHANGES],
        state[names.INVERSE],
        number["pairs"],
    )
    history = history.forgotten(verdict.given_up)
    history = history.added(taken, change, curvature, good, rewrite=rewrite)
    inside = (pyramid.image > LOW) * (pyramid.image < HIGH)
    squares = pyramid.squares(change * inside)
    scale = where(first, 1.0, number["scale"])
    scale = where(good * (squares > 0.0), curvature / squares.greatest(TINY), scale)
    scale = where(verdict.given_up, 1.0, scale)
    # Where the loss bends down, go further while it does.
    reach = where(first, FIRST_STEP, number["reach"] * (verdict.moved - good + 1.0))
    reach = where(verdict.given_up, FIRST_STEP, reach)
    return _Curvature(history, scale, reach)


def _aimed(
    verdict: _Verdict, curvature: _Curvature, pyramid: PyramidMap, mask: Value
) -> tuple[Value, Value]:
    """Return the gradient at the point, and the quasi-Newton direction.

    Both are 0 in variables that keep their values, or lie at a bound and would leave
    it.
    """
    x, g = verdict.point, verdict.gradient
    held = (x <= LOW) * (g > 0.0) + (x >= HIGH) * (g < 0.0)
    free = (1.0 - held) * mask
    downhill = g * free

    def initial(vector: Value) -> Value:
        return pyramid.product(vector * free) * free * curvature.scale

    return downhill, -(curvature.history.inverse_hessian(downhill, initial) * free)


def _numbers(vector: Value) -> dict[str, Value]:
    """Return the numbers of the state by name."""
    found = enumerate(names.NUMBER_NAMES)
    return {name: vector.element(index) for index, name in found}
