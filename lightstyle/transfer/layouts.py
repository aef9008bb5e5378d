"""The layouts of a run: chosen when a picture's turn comes, kept, and used again.

How a picture is cut into strips, and how far back the optimiser remembers, changes the
last bits of a loss and, some hundred iterations later, more than those. So a run says
how its pictures were computed, and another one can be told to do the same.
"""

import math
from collections.abc import Mapping
from dataclasses import asdict
from typing import Any, Final

from ..arrays import Size
from ..engine.model import Model
from ..engine.plan import PICTURE, ExecutionPlan
from ..engine.strips import TILE
from ..engine.tiled import REACH, Tiling
from ..optimize.curvature import History
from .scene import Scene

#: More lines than any strip has.
_MOST_LINES: Final = 1 << 20


class Layouts:
    """Chooses the layout of each picture of a run.

    Attributes:
        used: Every layout that was chosen, by the picture's size; ``style WxH`` for a
            style's targets, ``masked style WxH`` for those of a part of it.
    """

    def __init__(self, model: Model, wanted: Mapping[str, ExecutionPlan]) -> None:
        """Take what is `wanted` where the memory suffices, else the model's choice."""
        self._model = model
        self._wanted = wanted
        self.used: dict[str, ExecutionPlan] = {}

    @property
    def known(self) -> dict[str, ExecutionPlan]:
        """What a run that goes on with this one should want."""
        return {**self._wanted, **self.used}

    def choose(self, scene: Scene) -> ExecutionPlan:
        """How the picture that `scene` makes is computed.

        Raises:
            UsageError: If the memory that was allowed is not enough.
        """
        optimizer = scene.settings.chosen_optimizer
        regions = scene.canvases
        return self._choose("", scene.size, optimizer, scene.nbytes, regions)

    def choose_styles(self, scene: Scene) -> list[ExecutionPlan]:
        """How the targets of each style of `scene` that counts are computed.

        Raises:
            UsageError: As `choose`.
        """
        return [
            self._choose_style(scene, size, masked=masked)
            for size, masked in scene.style_sizes()
        ]

    def _choose_style(self, scene: Scene, size: Size, *, masked: bool) -> ExecutionPlan:
        # The start and the content are held beside it, and it is.
        pixels = 2 * math.prod(scene.size) + math.prod(size)
        pictures = scene.nbytes + PICTURE * pixels
        role = "masked style " if masked else "style "
        return self._choose(role, size, None, pictures, int(masked))

    def _choose(
        self,
        role: str,
        size: Size,
        optimizer: str | None,
        pictures: int,
        regions: int,
    ) -> ExecutionPlan:
        width, height = size
        key = f"{role}{width}x{height}"
        self.used[key] = self._model.layout(
            height,
            width,
            optimizer,
            self._wanted.get(key),
            pictures=pictures,
            regions=regions,
        )
        return self.used[key]


def as_dict(layouts: Mapping[str, ExecutionPlan]) -> dict[str, Any]:
    """Plain values, fit for JSON, of what decides a computation."""
    return {
        key: {
            "history": asdict(layout.history),
            "strips": layout.plan
            and {
                "forward": [*layout.plan.forward.values()],
                "backward": [*layout.plan.backward.values()],
            },
        }
        for key, layout in layouts.items()
    }


def parse(values: Any) -> dict[str, ExecutionPlan]:
    """The layouts that `as_dict` described; of memory and time they know nothing.

    Raises:
        ValueError: If `values`, which may come from anywhere, are no such description.
    """
    try:
        return {
            str(key): ExecutionPlan(
                _plan(value["strips"]), _history(**value["history"]), 0, 1.0
            )
            for key, value in values.items()
        }
    except (AttributeError, KeyError, TypeError, OverflowError) as error:
        raise ValueError("no description of layouts") from error


def _history(pairs: Any, precision: Any) -> History:
    return History(int(pairs), str(precision))


def _plan(strips: Any) -> Tiling | None:
    if strips is None:
        return None
    sweeps = []
    for lines, sides in ((strips["forward"], 1), (strips["backward"], 2)):
        sweep = dict(enumerate(lines, 1))
        for number, count in sweep.items():
            least = 2 * sides * REACH[number] + TILE
            whole = isinstance(count, int) and count % TILE == 0
            if not whole or not least <= count <= _MOST_LINES:
                raise ValueError(f"strips of {count} lines")
        sweeps.append(sweep)
    return Tiling(*sweeps)
