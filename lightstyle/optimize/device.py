"""L-BFGS where the pictures are: each step is a graph that the device runs.

It is the algorithm of `lbfgs`, built by ``export/optimizer``. Pictures, gradients and
pairs stay on the device, and a run reads a handful of numbers after each evaluation.
The state is saved as that of `LBFGS`, so a run that was begun on one device goes on on
another.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any, ClassVar, Protocol, TypeAlias

import numpy as np

from ..arrays import PIXEL_RANGE, Array, FloatArray, Vector
from ..step_contract import NUMBER_NAMES, NUMBERS
from . import device_state
from .curvature import HISTORY, History
from .method import Descent, Footprint, Method

#: An array on a device: an `OrtValue`.
Placed: TypeAlias = Any


@dataclass(frozen=True, eq=False)
class Answer:
    """What an evaluation tells the step; it stays on the device.

    Attributes:
        gradient: (1, 3, H, W).
        sums: Weighted partial sums of the loss.
        count: Number of these.
    """

    gradient: Placed
    sums: Placed
    count: int


class Device(Protocol):
    """Takes steps where the pictures are."""

    def place(self, array: FloatArray, /) -> Placed:
        """Return an array on the device."""

    def step(
        self, image: Placed, answer: Answer, state: Mapping[str, Placed], /
    ) -> tuple[Placed, dict[str, Placed]]:
        """Return where to evaluate next, and the next state, its numbers on the host.

        The memory of the pairs in `state` may be used again.
        """


@dataclass(frozen=True, eq=False)
class Point:
    """A picture on the device; it is copied whenever it is converted to a vector.

    Attributes:
        placed: (1, 3, H, W).
    """

    placed: Placed

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> Vector:
        """Copy the picture to the host, as a flat vector."""
        copied = np.array(device_state.read(self.placed), dtype or np.float32)
        return copied.ravel()


class DeviceLBFGS(Method):
    """L-BFGS on pictures within 0…255 that stay on a device.

    It yields a `Point` for each evaluation, and is sent the loss and an `Answer`.
    """

    resumable: ClassVar[bool] = True

    def __init__(
        self, start: Array, device: Device, *, history: History = HISTORY
    ) -> None:
        """Prepare to descend from `start`.

        Args:
            start: (1, 3, H, W).
            device: Takes the steps, and knows which pixels keep their values.
            history: How many steps to remember; they are kept in float32.
        """
        self._shape, self._device = start.shape, device
        super().__init__(start.ravel(), PIXEL_RANGE, history=history)

    @staticmethod
    def footprint(history: History) -> Footprint:
        """Return the memory on the device: pairs, and pictures before and after."""
        pairs = 2 * 4 * (history.pairs + 1)
        return Footprint(pairs + 4 * 4, 12 * 4)

    def restart(self, point: Vector | Point) -> None:
        """Forget everything but `point`, which is proposed next."""
        if isinstance(point, Point):
            self._image = point.placed
        else:
            self._image = self._device.place(point.reshape(self._shape))
        self._state: dict[str, Placed] = {}  # made when the sums can be counted
        self._restored: Mapping[str, Any] | None = None
        self._ahead: tuple[Placed, dict[str, Placed]] | None = None

    def descend(self) -> Descent:
        """Lower the loss until the method has stalled."""
        while not self._stalled:
            _, answer = yield Point(self._image)
            self._image, self._state = self._ahead or self._step(answer)
            self._ahead = None

    def finite(self, gradient: Answer) -> bool:
        """Take the step already, whose numbers tell whether the gradient is finite."""
        self._ahead = self._step(gradient)
        numbers = self._ahead[1][NUMBERS]
        return bool(np.isfinite(numbers[NUMBER_NAMES.index("slope")]))

    def state(self) -> Mapping[str, Any]:
        """Return the state that `LBFGS` would have, copied when it is looked at."""
        return _State(self._state, self._history.pairs)

    def restore(self, state: Mapping[str, Any]) -> None:
        """Continue from the newest pairs in a `state` of this method or of `LBFGS`."""
        trial = state["point"] + state["direction"] * np.float32(state["step"])
        self.restart(np.clip(trial, *self._bounds))
        self._restored = state

    def _step(self, answer: Answer) -> tuple[Placed, dict[str, Placed]]:
        if not self._state:
            *_, height, width = self._shape
            made = device_state.zeros(height, width, self._history.pairs, answer.count)
            if self._restored is not None:
                device_state.fill(made, self._restored)
                self._restored = None
            numbers = made.pop(NUMBERS)
            self._state = {name: self._device.place(a) for name, a in made.items()}
            self._state[NUMBERS] = numbers
        return self._device.step(self._image, answer, self._state)

    @property
    def _stalled(self) -> bool:
        """Whether no step from here lowers the loss."""
        if self._restored is not None:
            return bool(self._restored["stalled"])
        if not self._state:
            return False
        return bool(self._state[NUMBERS][NUMBER_NAMES.index("stalled")])


@dataclass(frozen=True, eq=False)
class _State(Mapping[str, Any]):
    """A state that is copied to the host when it is looked at, and not before."""

    placed: Mapping[str, Placed]
    pairs: int

    def __getitem__(self, name: str) -> Any:
        return self._copied[name]

    def __iter__(self) -> Iterator[str]:
        return iter(device_state.NAMES)

    def __len__(self) -> int:
        return len(device_state.NAMES)

    @cached_property
    def _copied(self) -> dict[str, Any]:
        return device_state.to_lbfgs(self.placed, self.pairs)
