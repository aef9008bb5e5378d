"""The optimiser's step by IO binding, as a run time on a device takes it."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from lightstyle import contract, onnx_runtime
from lightstyle import step_contract as names
from tests.support.steps import State, begun


class Bound:
    """Two sets of state, from one to the other and back, bound once.

    Attributes:
        sets: OrtValues of state and picture by name; those of the first are the newest.
    """

    def __init__(
        self,
        session: Any,
        start: NDArray[np.float32],
        pairs: int,
        sums: int,
        *,
        in_place: bool = True,
    ) -> None:
        """Begin a descent.

        Args:
            session: Of the step's graph.
            start: (1, 3, H, W).
            pairs: Length of the history.
            sums: Number of partial sums.
            in_place: Whether both sets have one history.
        """
        value = onnx_runtime.load().OrtValue.ortvalue_from_numpy
        walk = begun(lambda feeds: {}, start, pairs, sums)
        told = {
            contract.GRADIENT: np.zeros_like(start),
            contract.WEIGHTED_SUMS: np.zeros(sums, np.float32),
            names.FREE: walk.free,
        }
        state = {contract.IMAGE: start, **walk.state}
        self.sets = [{k: value(v.copy()) for k, v in state.items()} for _ in range(2)]
        if in_place:
            for name in (names.STEPS, names.CHANGES):
                self.sets[1][name] = self.sets[0][name]
        self._session, self._bindings = session, []
        self._told = {name: value(array) for name, array in told.items()}
        for old, new in (self.sets, self.sets[::-1]):
            binding = session.io_binding()
            for name, each in {**self._told, **old}.items():
                binding.bind_ortvalue_input(name, each)
            for name, each in new.items():
                binding.bind_ortvalue_output(names.following(name), each)
            self._bindings.append(binding)

    @property
    def image(self) -> NDArray[np.float32]:
        """Where the loss is wanted."""
        image: NDArray[np.float32] = self.sets[0][contract.IMAGE].numpy()
        return image

    @property
    def state(self) -> State:
        return {name: self.sets[0][name].numpy() for name in names.STATE}

    def tell(self, sums: NDArray[Any], gradient: NDArray[Any]) -> None:
        """Bring the loss and the gradient at `image` to the device."""
        shape = self.image.shape
        sums, gradient = (each.astype(np.float32) for each in (sums, gradient))
        self._told[contract.WEIGHTED_SUMS].update_inplace(sums)
        self._told[contract.GRADIENT].update_inplace(gradient.reshape(shape))

    def step(self) -> None:
        """Take a step; nothing but pointers crosses."""
        self._session.run_with_iobinding(self._bindings[0])
        self.sets.reverse()
        self._bindings.reverse()
