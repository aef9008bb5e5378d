"""What a worker takes of a machine: threads, memory, and a GPU if need be.

The memory is that which a picture is forecast to need. It is what Ray counts with; the
worker may take as much as there is for each.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any, Self

from ..engine.model import Model
from ..engine.workload import PICTURE
from ..errors import ClusterError, UsageError
from ..images.frame import Frame
from ..jobs.painter import Runtime
from ..jobs.task import Task
from ..losses.metrics import METRICS
from ..settings import blend
from ..settings.settings import Settings
from ..text import counted
from .connection import Cluster, Node
from .models import loaded


@dataclass(frozen=True)
class Demand:
    """What a worker takes, and what it runs on.

    Attributes:
        runtime: What it runs on.
        gpus: GPUs that it takes.
        memory: Bytes that it takes.
    """

    runtime: Runtime
    gpus: int
    memory: int

    @classmethod
    def of(cls, cluster: Cluster, runtime: Runtime, tasks: Iterable[Task]) -> Self:
        """Find out what the workers for some tasks take.

        Args:
            cluster: The cluster.
            runtime: What they run on. Without threads, each takes a whole machine, the
                smallest one.
            tasks: A task of each kind that there is.

        Raises:
            ClusterError: No machine has as much.
            LightstyleError: The model cannot be loaded.
        """
        nodes = [node for node in cluster.nodes if node.cpus >= 1]
        has_gpus = any(node.gpus >= 1 for node in nodes)
        gpus = int(runtime.device == "cuda" or (runtime.device == "auto" and has_gpus))
        nodes = [node for node in nodes if node.gpus >= gpus]
        threads = runtime.threads or min((int(node.cpus) for node in nodes), default=1)
        nodes = [node for node in nodes if node.cpus >= threads]
        if not nodes:
            wanted = counted(threads, "CPU") + (" and a GPU" if gpus else "")
            raise ClusterError(
                f"no node of cluster {cluster.address} has {wanted}: start one that "
                "has, or lower --threads"
            )
        share = max(_share(node, threads, gpus) for node in nodes)
        most = max(node.memory for node in nodes)
        need = runtime.memory or 0
        if need > most:
            raise ClusterError(
                f"memory is {need / 1e9:.2f} GB, but no node of cluster "
                f"{cluster.address} has more than {most / 1e9:.2f} GB: lower --memory"
            )
        if not gpus:
            for task in tasks:
                model = loaded(task, runtime.model)
                need = max(need, _needed(cluster, model, task.settings, share, most))
        runtime = replace(runtime, threads=threads, share=max(need, share))
        return cls(runtime, gpus, need)

    @property
    def options(self) -> dict[str, Any]:
        """What Ray is told of a worker."""
        cpus = self.runtime.threads
        return {"num_cpus": cpus, "num_gpus": self.gpus, "memory": self.memory or None}

    def slots(self, nodes: Sequence[Node]) -> int:
        """Return how many workers some machines hold."""
        return sum(
            min(
                int(node.cpus // (self.runtime.threads or 1)),
                int(node.gpus // self.gpus) if self.gpus else int(node.cpus),
                node.memory // self.memory if self.memory else int(node.cpus),
            )
            for node in nodes
        )


def _share(node: Node, threads: int, gpus: int) -> int:
    """Return the memory of a node for each of the workers that its CPUs hold."""
    workers = node.cpus // threads
    if gpus:
        workers = min(workers, node.gpus // gpus)
    return int(node.memory / max(1, workers))


def _needed(
    cluster: Cluster, model: Model, settings: Settings, share: int, most: int
) -> int:
    """Return the memory that a picture needs: within a share, or at most a machine's.

    Raises:
        ClusterError: No machine has as much.
    """
    try:
        return _forecast(model, settings, min(share, model.memory or share))
    except UsageError:
        try:
            return _forecast(model, settings, most)
        except UsageError as error:
            raise ClusterError(
                f"no node of cluster {cluster.address} has enough memory: {error}"
            ) from error


def _forecast(model: Model, settings: Settings, budget: int) -> int:
    """Return the memory that a square picture needs, as the run will plan it.

    Raises:
        UsageError: It is more than the budget.
    """
    if model.costs is None:  # it cannot say
        return 0
    model.memory = budget
    side = settings.size
    style = blend.longest(settings.style_scale, side)
    scales = settings.style_scale
    styles = len(scales) if isinstance(scales, Sequence) else 1
    pictures = PICTURE * (3 * side**2 + styles * style**2)
    guided = settings.files.keys() - {"init", "colors_of"}
    regions = styles * bool(guided or METRICS[settings.style_loss] is not None)
    planner = model.planner(pictures, regions)
    canvas = Frame((side, side)).canvas
    plans = [
        planner.choose(canvas, settings.chosen_optimizer),
        planner.choose(
            Frame((style, style)).canvas, name=f"a style of {style}x{style}"
        ),
    ]
    return max(plan.memory for plan in plans)
