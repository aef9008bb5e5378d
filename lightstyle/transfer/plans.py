"""Execution plans of a run: chosen when a picture's turn comes, kept and used again.

How a picture is cut into strips, and how far back the optimiser remembers, changes the
last bits of a loss and, some hundred iterations later, more than those. So a run says
how its pictures were computed, and another one can be told to do the same.
"""

import math
from collections.abc import Mapping

from ..arrays import Size
from ..engine import memory
from ..engine.model import Model
from ..engine.plan import ExecutionPlan
from ..engine.repeating import repeated
from ..engine.workload import PICTURE
from ..errors import UsageError
from ..images.frame import Frame
from .scene import Scene


class Plans:
    """Chooses the execution plan of each picture of a run.

    Attributes:
        used: Every plan that was chosen, by the picture's size; ``style WxH`` for a
            style's targets, ``masked style WxH`` for those of a part of it.
    """

    def __init__(self, model: Model, wanted: Mapping[str, ExecutionPlan]) -> None:
        """Take what is `wanted` where the memory suffices, else the model's choice."""
        self._model = model
        # Whoever gives a cluster to a run that had none wants it used.
        known = model.workers is None or any(plan.bands for plan in wanted.values())
        self._wanted = wanted if known else {}
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
        regions = scene.region_count
        name = "{}x{}".format(*scene.size)
        canvas, pictures = scene.frame.canvas, scene.inputs.nbytes
        return self._choose(name, canvas, optimizer, pictures, regions)

    def choose_styles(self, scene: Scene) -> list[ExecutionPlan]:
        """How the targets of each style of `scene` that counts are computed.

        Raises:
            UsageError: As `choose`, and also if the free memory is not enough: how
                large a style is takes a moment to ask for and may be far more than the
                picture.
        """
        try:
            found = [
                self._choose_style(scene, size, masked=masked)
                for size, masked in scene.style_sizes()
            ]
        except UsageError as error:
            raise UsageError(f"{error}; --style-scale sizes the styles") from error
        most = max((plan.memory for plan in found), default=0)
        limit = memory.reachable()
        if self._model.memory is None and most > limit:
            raise UsageError(
                f"memory is {limit / 1e9:.2f} GB, but the styles need {most / 1e9:.2f} "
                "GB: lower --style-scale"
            )
        return found

    def _choose_style(self, scene: Scene, size: Size, *, masked: bool) -> ExecutionPlan:
        # The start and the content are held beside it, and it is.
        canvas = Frame(size).canvas
        pixels = 2 * math.prod(scene.frame.canvas) + math.prod(canvas)
        pictures = scene.inputs.nbytes + PICTURE * pixels
        name = f"{'masked ' * masked}style {size[0]}x{size[1]}"
        return self._choose(name, canvas, None, pictures, int(masked))

    def _choose(
        self,
        name: str,
        size: Size,
        optimizer: str | None,
        pictures: int,
        regions: int,
    ) -> ExecutionPlan:
        planner = self._model.planner(pictures, regions)
        wanted = self._wanted.get(name)
        plan = wanted and repeated(planner, wanted, size, optimizer)
        self.used[name] = plan or planner.choose(size, optimizer, name)
        return self.used[name]
