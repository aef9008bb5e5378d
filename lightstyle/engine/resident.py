"""Evaluations and steps of a picture that stays on the device.

Targets are placed there once, and the outputs of one run are the inputs of the next.
What crosses to the host at an evaluation is the loss, term by term, and the numbers of
the step.
"""

from collections.abc import Mapping, Sequence
from typing import Any, Final

import numpy as np

from .. import contract
from ..arrays import FloatArray
from ..optimize.device import Answer, Placed
from ..step_contract import CHANGES, NUMBERS, STATE, STEPS, following
from .session import Bound

#: Outputs of the step that stay on the device.
_KEPT: Final = tuple(
    following(name) for name in (contract.IMAGE, *STATE) if name != NUMBERS
)


class Resident:
    """The evaluation and the step of one loss, for pictures of one size."""

    def __init__(
        self, evaluation: Bound, step: Bound, terms: Sequence[str], *, in_place: bool
    ) -> None:
        """Join two graphs on the same device.

        Args:
            evaluation: The evaluation, with targets and weights.
            step: The step, with the pixels that may change.
            terms: Names of the terms, in the order of the evaluation.
            in_place: Whether the step writes new pairs into the memory of the old.
        """
        self._evaluation, self._step, self._terms = evaluation, step, tuple(terms)
        self._in_place = (STEPS, CHANGES) if in_place else ()

    def place(self, array: FloatArray) -> Placed:
        """Return an array, as float32, on the device."""
        return self._step.place(array)

    def evaluate(self, image: Placed) -> tuple[dict[str, float], Answer]:
        """Evaluate a picture, (1, 3, H, W).

        Returns:
            The weighted terms of the loss by name, and what the step is told.

        Raises:
            ModelError: If ONNX Runtime fails.
            TransferError: If there is not enough memory.
        """
        made = self._evaluation.run(
            {contract.IMAGE: image},
            (contract.GRADIENT, contract.WEIGHTED_SUMS),
            read=(contract.WEIGHTED_LOSSES,),
        )
        losses = made[contract.WEIGHTED_LOSSES].astype(np.float64).tolist()
        sums = made[contract.WEIGHTED_SUMS]
        answer = Answer(made[contract.GRADIENT], sums, sums.shape()[0])
        return dict(zip(self._terms, losses, strict=True)), answer

    def step(
        self, image: Placed, answer: Answer, state: Mapping[str, Any]
    ) -> tuple[Placed, dict[str, Any]]:
        """Take a step.

        Args:
            image: The picture that was evaluated.
            answer: What `evaluate` returned for it.
            state: The state before, by name, its numbers on the host.

        Returns:
            Where to evaluate next, and the state after. Its pairs may lie in the memory
            of those before.
        """
        evaluated = {
            contract.IMAGE: image,
            contract.GRADIENT: answer.gradient,
            contract.WEIGHTED_SUMS: answer.sums,
        }
        numbers = {NUMBERS: self.place(state[NUMBERS])}
        made = self._step.run(
            {**evaluated, **state, **numbers},
            _KEPT,
            read=(following(NUMBERS),),
            into={following(name): state[name] for name in self._in_place},
        )
        after = {name: made[following(name)] for name in STATE}
        return made[following(contract.IMAGE)], after
