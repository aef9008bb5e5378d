"""Holds a run between two evaluations, and turns it into JSON and arrays and back."""

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass, fields, is_dataclass
from typing import Annotated, Any, Final, Self, cast

import numpy as np
from numpy.typing import NDArray

from ..arrays import Array
from ..engine.plan import HISTORIES, ExecutionPlan
from ..images.frame import Frame
from ..losses.objective import Losses
from ..losses.weights import Balance
from ..optimize.curvature import History
from ..optimize.lbfgs import LBFGS
from ..optimize.minimize import METHODS, MinimizerState
from ..settings.fields import MOST_ITERATIONS
from ..settings.scalars import number, whole
from ..settings.settings import Settings
from ..settings.typed import Parsers, loads, parse
from ..text import shown
from . import plans
from .archive import LONGEST_TEXT
from .origin import Origin

#: Version of the format, raised whenever older snapshots can no longer be read.
SCHEMA: Final = 4

_BEST: Final = "best"
_LEVEL_START: Final = "level_start"

#: Prefix of the names of the optimiser's arrays.
_OPTIMIZER: Final = "optimizer."

#: Most values in the JSON text: lists, objects, and whatever is in them. Each takes
#: some 100 bytes of memory before the schema sees it.
MOST_VALUES: Final = 45 * MOST_ITERATIONS

#: Most pyramid levels: each has half the size of the next.
_MOST_LEVELS: Final = 64

#: Most seconds of a run: three centuries.
LONGEST_RUN: Final = 1e10

_Seconds = Annotated[float, number(0, LONGEST_RUN)]
_Scalar = (
    bool
    | Annotated[int, whole(0, MOST_ITERATIONS)]
    | Annotated[float, number(-1e25, 1e25)]  # squares are computed, some in float32
)

#: Arrays by name.
Arrays = Mapping[str, NDArray[Any]]


@dataclass(frozen=True, kw_only=True, eq=False)
class Snapshot:
    """A run between two evaluations: everything that is needed to resume it.

    Attributes:
        origin: What the run was started with.
        loss: Lowest loss of the level so far.
        evaluations: Evaluations of the level so far.
        before: Lowest loss when the present descent began.
        optimizer: Scalars of the optimiser's state, or None if it has no state that
            can be kept.
        history: Losses of all evaluations.
        elapsed: Seconds that the run has taken.
        level: Index of the pyramid level.
        balance: Weights of the loss.
        plans: Execution plans of the run, to be repeated when it is resumed.
        interval: Seconds between two checkpoints.
        extra: JSON values for whoever resumes the run.
        arrays: Best canvas, flat; the canvas that the level started from,
            (1, 3, h, w), if the targets depend on it; arrays of the optimiser's state.
    """

    origin: Origin
    loss: Annotated[float, number(-math.inf)]
    evaluations: Annotated[int, whole(1, MOST_ITERATIONS)]
    before: float
    optimizer: Mapping[str, _Scalar] | None
    history: tuple[Losses, ...]
    elapsed: _Seconds
    level: Annotated[int, whole(0, _MOST_LEVELS)]
    balance: Balance
    plans: Mapping[str, ExecutionPlan]
    interval: _Seconds
    extra: Mapping[str, Any]
    arrays: Arrays

    def __post_init__(self) -> None:
        """Check ranges, and that the arrays fit each other and the optimiser.

        Raises:
            ValueError: If a value cannot be that of a run.
        """
        if self.evaluations > len(self.history):
            raise ValueError(
                f"evaluations is {self.evaluations}, expected at most the length of "
                f"history, {len(self.history)}"
            )
        names = {
            name
            for name in self.arrays
            if self.optimizer is None or not name.startswith(_OPTIMIZER)
        }
        if names - {_LEVEL_START} != {_BEST}:
            raise ValueError(f"arrays are {shown(sorted(names))}, expected {_BEST}")
        state = self.state()
        width, height = Frame(self.history[-1].size).canvas
        if state.point.shape != (3 * height * width,):
            raise ValueError("the canvas does not have the size of its level")
        start = self.level_start
        if start is not None and start.shape != (1, 3, height, width):
            raise ValueError("the level's start does not have the size of its level")
        if state.optimizer is not None:
            if not METHODS[self.origin.settings.chosen_optimizer].resumable:
                raise ValueError("the optimiser of the settings keeps no state")
            _check_optimizer(state.optimizer, state.point.size)

    @classmethod
    def of(
        cls, state: MinimizerState, level_start: Array | None = None, **values: Any
    ) -> Self:
        """Take a snapshot; the arrays are not copied.

        Args:
            state: State of the optimisation.
            level_start: (1, 3, H, W), the image that the level started from, if the
                targets depend on it.
            values: The other attributes.
        """
        arrays: dict[str, NDArray[Any]] = {_BEST: np.asarray(state.point)}
        if level_start is not None:
            arrays[_LEVEL_START] = level_start
        inner = state.optimizer or {}
        kept = {k: v for k, v in inner.items() if isinstance(v, np.ndarray)}
        scalars = {k: v for k, v in inner.items() if k not in kept}
        return cls(
            loss=state.loss,
            evaluations=state.evaluations,
            before=state.before,
            optimizer=None if state.optimizer is None else scalars,
            arrays=arrays | {_OPTIMIZER + name: array for name, array in kept.items()},
            **values,
        )

    @classmethod
    def parse(cls, text: str, arrays: Arrays) -> Self:
        """Read a snapshot back.

        Args:
            text: JSON text of unknown origin.
            arrays: Arrays of the snapshot.

        Raises:
            ValueError: If they are not a snapshot; the message says why.
            UsageError: If a setting is invalid.
        """
        values = loads(text, LONGEST_TEXT, MOST_VALUES)
        schema = values.pop("schema", None) if isinstance(values, dict) else None
        if schema != SCHEMA:
            raise ValueError(
                f"schema {shown(schema)}, expected {SCHEMA}: resume it with the "
                "version of Lightstyle that wrote it"
            )
        known: Parsers = {
            Settings: _settings,
            ExecutionPlan: plans.parse,
            Arrays: lambda _: arrays,
        }
        read = cast(Self, parse(cls, {**values, "arrays": None}, "snapshot", known))
        for name, array in arrays.items():
            if not all(np.isfinite(row).all() for row in np.atleast_2d(array)):
                raise ValueError(f"some values of {name} are not finite")
        return read

    def __str__(self) -> str:
        """Return all but the arrays as JSON text."""
        values = _plain(self)
        del values["arrays"]
        return json.dumps({"schema": SCHEMA, **values}, default=_plain)

    def state(self) -> MinimizerState:
        """Return the state of the optimisation.

        In a checkpoint its arrays are mapped from the file: drop it once it is copied.
        """
        inner: dict[str, Any] | None = None
        if self.optimizer is not None:
            names = [name for name in self.arrays if name.startswith(_OPTIMIZER)]
            arrays = {n.removeprefix(_OPTIMIZER): self.arrays[n] for n in names}
            inner = {**self.optimizer, **arrays}
        return MinimizerState(
            self.arrays[_BEST], self.loss, self.evaluations, self.before, inner
        )

    @property
    def level_start(self) -> Array | None:
        """The image that the level started from, (1, 3, H, W), if it was kept."""
        return self.arrays.get(_LEVEL_START)


def _check_optimizer(state: Mapping[str, Any], size: int) -> None:
    """Check that an optimiser of `size` variables can continue from `state`.

    Raises:
        ValueError: If it cannot.
    """
    expected = LBFGS(np.zeros(1, np.float32)).state()
    if {n: np.ndim(v) for n, v in state.items()} != {
        n: np.ndim(v) for n, v in expected.items()
    }:
        raise ValueError("the optimiser's state is not that of this version")
    for name, value in expected.items():
        if np.shape(value)[-1:] == (1,) and np.shape(state[name])[-1] != size:
            raise ValueError(f"{name} of the optimiser does not have {size} values")
    steps, changes = state["steps"], state["changes"]
    scales, products = state["scales"], state["products"]
    slots, held = scales.shape[1], len(steps)
    if not (
        History(slots, steps.dtype.str[1:]) in HISTORIES
        and (steps.shape, steps.dtype) == (changes.shape, changes.dtype)
        and (scales.shape, products.shape) == ((2, slots), (slots, slots))
        and min(int(state["pairs"]), slots) == held
        and np.diag(products)[:held].all()  # else nothing can be solved
    ):
        raise ValueError("the pairs of the optimiser do not fit each other")


def _settings(values: Any) -> Settings:
    known = {each.name for each in fields(Settings)}
    if not isinstance(values, dict) or known - values.keys():
        raise ValueError("the settings are incomplete")
    return Settings.from_dict(values)


def _plain(value: Any) -> Any:
    """Convert a value that JSON does not support, one level deep."""
    if isinstance(value, Settings):
        return value.as_dict()
    if isinstance(value, ExecutionPlan):
        return plans.as_dict(value)
    if is_dataclass(value):
        return {each.name: getattr(value, each.name) for each in fields(value)}
    return value.item()  # a NumPy scalar
