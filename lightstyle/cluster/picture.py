"""Has a model evaluate its pictures in bands on a cluster."""

import socket
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from time import perf_counter
from typing import Final

import numpy as np

from ..engine.banding import Workers
from ..engine.bands import Reach
from ..engine.model import Model
from ..engine.plan import SHARE
from ..errors import UsageError
from ..jobs.painter import Runtime
from .bands import BandedModel
from .connection import Cluster
from .demand import Demand
from .ray_crew import Place, RayCrew

#: Bytes by which the bandwidth is measured.
_PARCEL: Final = 8_000_000


@contextmanager
def spread(
    model: Model,
    cluster: Cluster,
    threads: int | None = None,
    memory: int | None = None,
) -> Iterator[BandedModel]:
    """Give a model workers for as long as the context lasts.

    There are as many as the cluster has room for.

    Args:
        model: A model on the CPU; it is sent to machines without it.
        cluster: The cluster.
        threads: CPUs of each worker; by default all of the smallest machine.
        memory: Bytes that each worker may take; by default most of what is free.

    Raises:
        UsageError: The model cannot be cut.
        ClusterError: The cluster has no room.
    """
    if model.costs is None:
        raise UsageError(
            "a cluster evaluates bands of a picture on CPUs, with a model that can be "
            "cut into strips: give --device cpu, or make the model again with "
            "`lightstyle export`"
        )
    demand = Demand.of(cluster, Runtime(device="cpu", threads=threads), ())
    crew = RayCrew(cluster, model, demand)
    try:
        layers = {*model.info.content_layers, *model.info.style_layers}
        places = crew.places
        model.workers = Workers(
            count=len(places),
            memory=memory or _memory(places),
            held=max(place.held for place in places),
            reach=Reach.of(layers),
            sums=places[0].sums,
            bandwidth=_bandwidth(crew),
        )
        model.elsewhere = banded = BandedModel(model.tiled.heads, layers, crew)
        yield banded
    finally:
        model.workers = model.elsewhere = None
        crew.end()


def _bandwidth(crew: RayCrew) -> float:
    """Measure the bytes a second to a worker and back."""
    parcel = np.zeros(_PARCEL, np.uint8)
    worker = crew.workers()[0]
    began = perf_counter()
    worker.result(worker.start("echo", parcel))
    return 2 * _PARCEL / (perf_counter() - began)


def _memory(places: list[Place]) -> int:
    """Return the bytes that each worker may take of what is free where it is."""
    sharing = Counter(place.host for place in places)
    sharing[socket.gethostname()] += 1  # this process
    return min(
        place.held + int(SHARE * place.free) // sharing[place.host] for place in places
    )
