"""A device for tests: the CPU, as one on which pictures stay during a run."""

from dataclasses import replace
from pathlib import Path
from typing import Any, Final

import numpy as np

from lightstyle import Model, contract
from lightstyle.arrays import Array
from lightstyle.engine.providers import HOST
from lightstyle.engine.resident import Resident
from lightstyle.engine.session import Bound, Session
from lightstyle.optimize.device import Answer
from lightstyle.step_contract import FREE

#: A row of the table of devices.
RESIDENT: Final = replace(HOST, resident=True)


def resident_model(path: Path, **options: Any) -> Model:
    """The model at `path` on that device, in one thread."""
    return Model(path, replace(RESIDENT, **options), 1, None)


class Steps(Resident):
    """Takes the steps of the model at `path`; the test evaluates."""

    def __init__(self, path: Path, free_hw: Array) -> None:
        session = Session(contract.step_path(path), HOST, 1)
        step = Bound(session, {FREE: free_hw[None, None]})
        super().__init__(step, step, (), in_place=True)

    def answer(self, gradient: np.ndarray, sums: np.ndarray) -> Answer:
        """What an evaluation would tell: a gradient (1, 3, H, W) and partial sums."""
        return Answer(self.place(gradient), self.place(sums), len(sums))
