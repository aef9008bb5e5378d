"""A compact L-BFGS for pictures: bounded, resumable, and cheap beside an evaluation.

`propose` names the point where the loss is wanted, and `accept` takes it, so a caller
may stop, save and continue between any two evaluations.

Bounds are kept by projection (Bertsekas 1982; two metrics): pixels that lie at a bound
and would leave it are held for the step; the others follow the quasi-Newton direction
and are clipped. Every point that is evaluated is a picture that could be saved.
"""

import math
from collections.abc import Mapping
from typing import Any, ClassVar, Final

import numpy as np
from numpy.typing import NDArray

from ..arrays import Array, Vector
from .curvature import HISTORY, History, Pairs
from .method import FIRST_STEP, Descent, Footprint, Method
from .vectors import dot, root_mean_square, silent

#: Share of the decrease promised by the gradient that a step must bring.
_SUFFICIENT: Final = 1e-4

#: Trials of a step before the history is given up, and then the whole descent.
_TRIALS: Final = 8

#: The descent ends after `_PATIENCE` steps in succession that each lower the loss by
#: less than the share `_RESOLUTION`.
_RESOLUTION: Final = 1e-7
_PATIENCE: Final = 5


class LBFGS(Method):
    """L-BFGS on a flat float32 vector within bounds."""

    resumable: ClassVar[bool] = True

    _scale = 1.0  # of H₀ = scale · A Aᵀ

    @staticmethod
    def footprint(history: History = HISTORY) -> Footprint:
        """Return the memory of the pairs and four vectors; working, seven and a mask.

        All vectors are float32.
        """
        pair = 2 * np.dtype(history.precision).itemsize
        return Footprint(pair * history.pairs + 4 * 4, 7 * 4 + 1)

    def descend(self) -> Descent:
        """Lower the loss until the method has stalled."""
        while not self._stalled:
            self.accept(*(yield self.propose()))

    def restart(self, point: Vector) -> None:
        """Forget everything but `point`, which is proposed next."""
        self._stalled = False  # true once no step from here lowers the loss
        self._point = np.array(point, np.float32)
        self._pairs = Pairs(point.size, self._history)
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
        """Return the point where the loss is wanted next; it must not be modified."""
        return self._trial

    @silent()
    def accept(self, loss: float, gradient: Vector) -> None:
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
        """Return all that `restore` needs: the method's own arrays, and numbers.

        Write or copy the arrays before the next call of `accept`.
        """
        own = {name: getattr(self, f"_{name}") for name in STATE}
        return own | self._pairs.state()

    def restore(self, state: Mapping[str, Any]) -> None:
        """Continue from a `state` of a method that was made with the same arguments.

        What is proposed next, and all that follows, is what it would have been; the
        history is as long and as precise as that of `state`.
        """
        for name, kind in STATE.items():
            setattr(self, f"_{name}", kind(state[name]))
        self._trial = self._stepped()
        self._pairs = Pairs.restored(state, self._point.size)
        self._history = self._pairs.history

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
        try:
            direction = self._pairs.inverse_hessian(
                slope, lambda v: self._initial(v, free)
            )
        except np.linalg.LinAlgError:  # rounded to the history's precision, a pair is 0
            self._forget()
            return
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
        """Multiply `vector`, which is used up, by H₀ within the free variables."""
        vector *= free
        product = self._preconditioner.forward(self._preconditioner.adjoint(vector))
        product *= free
        product *= np.float32(self._scale)
        return product

    def _free(self, point: Array, gradient: Array) -> NDArray[np.bool_]:
        """Return a mask of variables neither frozen nor about to leave their bounds."""
        low, high = self._bounds
        held = ((point <= low) & (gradient > 0)) | ((point >= high) & (gradient < 0))
        if self._frozen is not None:
            held |= self._frozen
        return np.logical_not(held, out=held)

    def _promises(self) -> bool:
        """Shorten the step until, clipped to the bounds, it leads downhill.

        Returns:
            Whether it does in the end.
        """
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
        curved = self._preconditioner.adjoint(change)
        squares = sum(dot(level.ravel(), level.ravel()) for level in curved)
        if squares > 0:
            self._scale = curvature / squares

    def _shorten(self, loss: float, slope: float) -> None:
        """Try a smaller step: the minimum of the parabola through the known values."""
        self._trials += 1
        if self._trials == _TRIALS:
            self._forget()
            return
        least = -0.5 * slope / (loss - self._loss - slope)
        self._step *= min(max(least, 0.1), 0.5)
        if not self._promises():
            self._forget()

    def _forget(self) -> None:
        """Drop the history and go on; without a history, the descent has stalled."""
        if not len(self._pairs):
            self._stalled = True
            return
        self._pairs = Pairs(self._point.size, self._history)
        self._scale = 1.0
        self._reach = FIRST_STEP
        self._trials = 0
        self._aim()


#: Attributes that make the state, and the function that reads each of them back.
STATE: Final[dict[str, Any]] = {
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
