"""What the exporter and the run time agree on of the optimiser's step.

One step of L-BFGS is a graph, which any evaluation graph can be followed by. With M
slots for pairs of step and change, one more than there are pairs, and K partial sums of
the loss, it is

    image               (1, 3, H, W)   the picture that was evaluated
    gradient            (1, 3, H, W)   of the loss there
    weighted_sums       (K,)           of the loss there
    free                (1, 1, H, W)   1 where pixels may change, 0 where they stay
    point, point_gradient, direction   (1, 3, H, W)
    steps, changes                     (3, H, M, W)
    inverse             (M, M)
    point_sums          (K,)           weighted partial sums at the point
    numbers             (12,)          `NUMBER_NAMES`
  →
    next/image          (1, 3, H, W)   where to evaluate next
    next/point …                       the state, as it is fed to the next step

State that is zero all over is the start. The point is the picture that was accepted
last, which has the lowest loss but for what float32 does not resolve. Everything is
float32.
"""

from typing import Final

#: A size that is known, or the name of one that the feeds decide.
Dim = int | str
Shape = tuple[Dim, ...]

FREE: Final = "free"
POINT: Final = "point"
POINT_GRADIENT: Final = "point_gradient"
DIRECTION: Final = "direction"
STEPS: Final = "steps"
CHANGES: Final = "changes"
INVERSE: Final = "inverse"
POINT_SUMS: Final = "point_sums"
NUMBERS: Final = "numbers"

#: All state, in the order of the inputs and outputs.
STATE: Final = (
    POINT,
    POINT_GRADIENT,
    DIRECTION,
    STEPS,
    CHANGES,
    INVERSE,
    POINT_SUMS,
    NUMBERS,
)

#: What ``numbers`` holds: evaluations so far; the loss at the picture that was
#: evaluated; the factor of loss and gradient; the length of the step, the scale of the
#: initial inverse Hessian, and the length of a first step; trials that failed; pairs;
#: steps in succession that hardly lowered the loss; whether no step will; whether the
#: picture is the new point; the root mean square of its gradient times the factor.
NUMBER_NAMES: Final = (
    "evaluations",
    "loss",
    "factor",
    "step",
    "scale",
    "reach",
    "trials",
    "pairs",
    "idle",
    "stalled",
    "accepted",
    "slope",
)


def following(name: str) -> str:
    """Return the name of the state `name`, or of the picture, after a step."""
    return f"next/{name}"


def state_shapes(height: Dim, width: Dim, slots: Dim, sums: Dim) -> dict[str, Shape]:
    """Return the shapes of the state by name.

    Args:
        height: Height of the picture, as a number or a name.
        width: Width of the picture.
        slots: One more than there are pairs.
        sums: Number of weighted partial sums.
    """
    picture: Shape = 1, 3, height, width
    pairs: Shape = 3, height, slots, width
    small: tuple[Shape, ...] = (slots, slots), (sums,), (len(NUMBER_NAMES),)
    shapes = picture, picture, picture, pairs, pairs, *small
    return dict(zip(STATE, shapes, strict=True))
