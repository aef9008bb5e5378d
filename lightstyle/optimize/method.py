"""The interface of an optimisation method.

To add a method, write a class like `LBFGS` in a module of its own, and give it a word
in `settings.choices.Optimizer` and a row in `minimize.METHODS`.
"""

import math
from abc import ABC, abstractmethod
from collections.abc import Callable, Generator, Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, Final, TypeAlias

import numpy as np
from numpy.typing import NDArray

from ..arrays import Vector
from .curvature import HISTORY, History
from .preconditioner import Pixels, Preconditioner

#: Root mean square of a method's first step, in grey levels.
FIRST_STEP: Final = 1.0

#: Where a loss is evaluated, and its gradient there: a flat vector, or what a method
#: keeps on a device. Points convert to vectors.
Point: TypeAlias = Any
Gradient: TypeAlias = Any

#: Returns the loss and its gradient at a point.
Evaluate = Callable[[Point], tuple[float, Gradient]]

#: Yields points, and is sent the loss and its gradient at each.
Descent = Generator[Point, tuple[float, Gradient], None]


@dataclass(frozen=True)
class Footprint:
    """The memory of a method, in bytes for each variable, once its history is full.

    Attributes:
        kept: What it holds while the loss is evaluated, the proposed point included.
        working: What it needs beside that at the worst moment of a step, the gradient
            included.
    """

    kept: int
    working: int


class Method(ABC):
    """An algorithm that lowers a loss, and decides where to evaluate it.

    `minimize` hands points and gradients from the method to the objective and back
    without looking at them, so a method may keep them on a device, as `DeviceLBFGS`
    does: it then overrides `finite`.

    Attributes:
        resumable: Whether `state` holds all that the method needs to continue.
    """

    resumable: ClassVar[bool]

    def __init__(
        self,
        start: Vector,
        bounds: tuple[float, float] = (-math.inf, math.inf),
        *,
        preconditioner: Preconditioner | None = None,
        frozen: NDArray[np.bool_] | None = None,
        history: History = HISTORY,
    ) -> None:
        """Prepare to descend from `start`.

        Args:
            start: Flat vector; clipped to the bounds, not modified.
            bounds: Least and greatest value of every variable.
            preconditioner: Coordinates in which the loss is curved more evenly; a
                method without preconditioning ignores it.
            frozen: Flat mask of the variables that keep their values.
            history: What to remember of the steps; a method whose history is fixed
                ignores it.
        """
        self._bounds = bounds
        self._preconditioner = preconditioner or Pixels()
        self._frozen = frozen
        self._history = history
        self.restart(np.clip(start, *bounds))

    @staticmethod
    @abstractmethod
    def footprint(history: History) -> Footprint:
        """Return the memory that the method takes with that `history`."""

    @abstractmethod
    def descend(self) -> Descent:
        """Lower the loss until no step does.

        Yields:
            Points at which to evaluate the loss. The method must not modify a point
            that it has yielded. It asks for the next one when it has taken in the last
            answer, so that `state` is complete whenever it has yielded.
        """

    @abstractmethod
    def restart(self, point: Point) -> None:
        """Forget the steps so far; the next descent starts at `point`."""

    def state(self) -> Mapping[str, Any] | None:
        """Return all that `restore` needs, or None if the method cannot tell.

        The arrays are the method's own: write or copy them before the next evaluation.
        """
        return None

    def restore(self, state: Mapping[str, Any]) -> None:
        """Continue from a `state` of a method that was made with the same arguments."""
        raise NotImplementedError

    def finite(self, gradient: Gradient) -> bool:
        """Return whether all values of the gradient are finite numbers."""
        return bool(np.isfinite(gradient).all())
