"""A compact L-BFGS for pictures: bounded, resumable, and cheap beside an evaluation.

It asks for the loss at a point (`propose`) and is told (`accept`), so that whoever
drives it may stop, save and continue between any two evaluations.

Bounds are kept by projection (Bertsekas 1982; two metrics): pixels that lie at a bound
and would leave it are held for the step, the others follow the quasi-Newton direction
and are clipped. Every point that is evaluated is a picture that could be saved.
"""

import math
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from ..arrays import Array
from .curvature import History, Pairs, dot
from .preconditioner import Pixels, Preconditioner

#: Root mean square of the first step, in grey levels.
FIRST_STEP: Final = 1.0

#: What is remembered if nothing is said. Fewer pairs need more evaluations, more hardly
#: fewer; a precision of 16 bits needs no more.
HISTORY: Final = History()

#: Share of the decrease promised by the gradient that a step must bring.
_SUFFICIENT: Final = 1e-4

#: Trials of a step before the history is given up, then the whole descent.
_TRIALS: Final = 8

#: Steps in succession that do not lower the loss by this share of it end the descent.
_RESOLUTION: Final = 1e-7
_PATIENCE: Final = 5


@dataclass(frozen=True)
class Footprint:
    """Bytes that an optimiser takes for every variable, once its history is full.

    Attributes:
        kept: While the loss is evaluated, the point that is proposed included.
        working: Beside that, at the worst moment of a step, its gradient included.
    """

    kept: int
    working: int


def footprint(history: History = HISTORY) -> Footprint:
    """What `LBFGS` takes: its pairs, and four vectors; to work, seven and a mask."""
    pair = 2 * np.dtype(history.precision).itemsize
    return Footprint(pair * history.pairs + 4 * 4, 7 * 4 + 1)


class LBFGS:
    """L-BFGS on a flat float32 vector within bounds."""

    def __init__(
        self,
        start: NDArray[Any],
        bounds: tuple[float, float] = (-math.inf, math.inf),
        *,
        variables: Preconditioner | None = None,
        frozen: NDArray[np.bool_] | None = None,
        history: History = HISTORY,
    ) -> None:
        """Begin at `start`.

        Args:
            start: Flat vector, clipped to the bounds; not modified.
            bounds: Least and greatest value of every variable.
            variables: Coordinates in which the loss is curved more evenly.
            frozen: Mask, flat, of the variables that keep their values.
            history: What to remember of the steps.
        """
        self._bounds = np.float32(bounds[0]), np.float32(bounds[1])
        self._variables = variables or Pixels()
        self._frozen = frozen
        self._pairs = Pairs(start.size, history)
        self._scale = 1.0  # of H₀ = scale · A Aᵀ
        self.restart(np.clip(start, *bounds).astype(np.float32))

    @property
    def stalled(self) -> bool:
        """Whether no step from here lowers the loss; `restart` to go on."""
        return self._stalled

    def restart(self, point: NDArray[Any]) -> None:
        """Forget all but `point`, which is proposed next."""
        self._stalled = False
        self._pairs.clear()
        self._point = np.array(point, np.float32)
        self._loss = math.inf
        self._factor = 1.0  # of loss and gradient, so that float32 can square them
        self._gradient = np.zeros_like(self._point)
        self._direction = np.zeros_like(self._point)
        self._trial = self._point
        self._step = 0.0
        self._reach = FIRST_STEP
        self._trials = 0
        self._idle = 0

    def propose(self) -> Array:
        """The point at which the loss is wanted next; it may be kept, not modified."""
        return self._trial

    def accept(self, loss: float, gradient: NDArray[Any]) -> None:
        """Take the loss and the gradient, both finite, at the proposed point."""
        trial = self._trial
        first = math.isinf(self._loss)
        if first:
            self._factor = 1 / (root_mean_square(gradient) or 1.0)
        loss, gradient = self._factor * loss, self._scaled(gradient)
        if first:
            self._move(trial, loss, gradient)
            return
        step = trial - self._point
        slope = dot(self._gradient, step)
        if loss > self._loss + _SUFFICIENT * slope:
            self._shorten(loss, slope)
            return
        self._learn(step, gradient - self._gradient, trial)
        lowered = self._loss - loss > _RESOLUTION * abs(loss)
        self._idle = 0 if lowered else self._idle + 1
        self._move(trial, loss, gradient)
        self._stalled = self._stalled or self._idle >= _PATIENCE

    def state(self) -> dict[str, Any]:
        """All that `restore` needs: arrays, which are the optimiser's own, and numbers.

        Write or copy the arrays before the next call of `accept`.
        """
        own = {name: getattr(self, f"_{name}") for name in _STATE}
        return own | self._pairs.state()

    def restore(self, state: dict[str, Any]) -> None:
        """Continue where `state` was taken, of an optimiser made with like arguments.

        What is proposed next, and all that follows, is what it would have been.
        """
        for name, kind in _STATE.items():
            value = state[name]
            setattr(self, f"_{name}", kind(value))
        self._trial = self._stepped()
        self._pairs.restore(state)

    def _scaled(self, gradient: NDArray[Any]) -> Array:
        scaled = np.multiply(gradient, self._factor)
        if self._frozen is not None:
            scaled[self._frozen] = 0
        return np.asarray(scaled, np.float32)

    def _move(self, point: Array, loss: float, gradient: Array) -> None:
        self._point, self._loss, self._gradient = point, loss, gradient
        self._trials = 0
        self._aim()

    def _aim(self) -> None:
        """Choose a direction from the current point, and its first trial."""
        free = self._free(self._point, self._gradient)
        slope = np.where(free, self._gradient, np.float32(0))
        direction = self._pairs.inverse_hessian(slope, lambda v: self._initial(v, free))
        np.negative(direction, out=direction)
        direction *= free
        self._direction, self._step = direction, 1.0
        length = math.sqrt(dot(direction, direction) / direction.size)
        if length == 0:
            self._stalled = True
        elif not len(self._pairs):
            self._step = self._reach / length
        if not self._stalled and not self._promises():
            self._forget()

    def _initial(self, vector: Array, free: NDArray[np.bool_]) -> Array:
        """H₀ times `vector`, which is used up, within the free variables."""
        vector *= free
        product = self._variables.forward(self._variables.adjoint(vector))
        product *= free
        product *= np.float32(self._scale)
        return product

    def _free(self, point: Array, gradient: Array) -> NDArray[np.bool_]:
        """Variables that are not frozen and not about to leave their bounds."""
        low, high = self._bounds
        held = ((point <= low) & (gradient > 0)) | ((point >= high) & (gradient < 0))
        if self._frozen is not None:
            held |= self._frozen
        return np.logical_not(held, out=held)

    def _promises(self) -> bool:
        """Shorten the step until, clipped to the bounds, it leads downhill."""
        for _ in range(_TRIALS):
            self._trial = self._stepped()
            if dot(self._gradient, self._trial - self._point) < 0:
                return True
            self._step /= 4
        return False

    def _stepped(self) -> Array:
        trial = self._direction * np.float32(self._step)
        trial += self._point
        return np.clip(trial, *self._bounds, out=trial)

    def _learn(self, step: Array, change: Array, point: Array) -> None:
        """Remember a step and the change of the gradient along it."""
        curvature = self._pairs.add(step, change)
        if not curvature:
            self._reach *= 2  # where the loss bends down, go further while it does
            return
        low, high = self._bounds
        change *= (point > low) & (point < high)
        curved = self._variables.adjoint(change)
        squares = sum(dot(level.ravel(), level.ravel()) for level in curved)
        if squares > 0:
            self._scale = curvature / squares

    def _shorten(self, loss: float, slope: float) -> None:
        """Try a smaller step: the minimum of the parabola through what is known."""
        self._trials += 1
        if self._trials == _TRIALS:
            self._forget()
            return
        least = -0.5 * slope / (loss - self._loss - slope)
        self._step *= min(max(least, 0.1), 0.5)
        if not self._promises():
            self._forget()

    def _forget(self) -> None:
        """Go on without history; without any, this is the end."""
        if not len(self._pairs):
            self._stalled = True
            return
        self._pairs.clear()
        self._scale = 1.0
        self._reach = FIRST_STEP
        self._trials = 0
        self._aim()


def root_mean_square(vector: NDArray[Any]) -> float:
    """√(mean of squares), also where float32 cannot hold a square."""
    most = float(np.abs(vector).max())
    if most == 0:
        return 0.0
    scaled = vector / np.asarray(most, vector.dtype)
    return most * math.sqrt(float(np.mean(np.square(scaled), dtype=np.float64)))


#: What makes the state of an optimiser, and how each is read back.
_STATE: Final[dict[str, Any]] = {
    "point": np.array,
    "gradient": np.array,
    "direction": np.array,
    "loss": float,
    "factor": float,
    "step": float,
    "scale": float,
    "reach": float,
    "trials": int,
    "idle": int,
    "stalled": bool,
}
