"""Connects to a Ray cluster, or starts one on this machine that ends with the command.

Ray is imported here alone, and only when a cluster is asked for.
"""

import logging
import os
import signal
import threading
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from types import ModuleType
from typing import Any

from ..engine.threads import available_cpus
from ..errors import ClusterError, UsageError
from ..signals import SIGNALS
from ..text import one_line
from . import address as where
from . import versions
from .address import LOCAL
from .local import LocalCluster


@dataclass(frozen=True)
class Node:
    """A machine of a cluster.

    Attributes:
        id: Its name in Ray.
        address: Its address, for messages.
        cpus: CPUs that Ray may give away there.
        gpus: The same of GPUs.
        memory: Bytes that Ray may give away there.
    """

    id: str
    address: str
    cpus: float
    gpus: float
    memory: int


@dataclass(frozen=True)
class Cluster:
    """A cluster that this process is connected to.

    Attributes:
        address: How it was named.
        ray: The module `ray`.
    """

    address: str
    ray: Any

    @property
    def nodes(self) -> list[Node]:
        """The machines that are there now."""
        found = []
        for each in self.ray.nodes():
            if each["Alive"]:
                has = each["Resources"]
                found.append(
                    Node(
                        id=each["NodeID"],
                        address=each["NodeManagerAddress"],
                        cpus=has.get("CPU", 0.0),
                        gpus=has.get("GPU", 0.0),
                        memory=int(has.get("memory", 0)),
                    )
                )
        return found

    def on(self, node: Node) -> Any:
        """Return Ray's strategy that has something run on `node` and nowhere else."""
        strategies = import_module("ray.util.scheduling_strategies")
        return strategies.NodeAffinitySchedulingStrategy(node.id, soft=False)


def check(address: str) -> str:
    """Check that `address` can name a cluster, and that Ray is here; returns it.

    Raises:
        UsageError: It cannot, or Ray is not.
    """
    where.check(address)
    _ray(address)
    return address


@contextmanager
def connected(address: str, cpus: int | None = None) -> Iterator[Cluster]:
    """Connect to a cluster, and check that each of its machines has this Lightstyle.

    Args:
        address: ``auto`` for the cluster that this machine belongs to, ``local`` for
            one that is started here and ends with this process, however that ends, or
            ``ray://HOST:PORT``.
        cpus: CPUs that a local cluster gives away; by default those of this machine.

    Raises:
        UsageError: The address cannot be, or Ray is not installed.
        ClusterError: There is no such cluster, or it has other versions.
    """
    ray = _ray(check(address))
    local = LocalCluster() if address == LOCAL else None
    try:
        with _handlers_kept():
            _init(ray, address, cpus, local)
        cluster = Cluster(address, ray)
        nodes = {node.address: cluster.on(node) for node in cluster.nodes}
        versions.check(ray, address, nodes)
        yield cluster
    finally:
        with _handlers_kept():
            ray.shutdown()
        if local is not None:
            local.end()


def _ray(address: str) -> ModuleType:
    """Import Ray, and what it needs for the address.

    Raises:
        UsageError: It is not installed.
    """
    os.environ["RAY_USAGE_STATS_ENABLED"] = "0"
    os.environ["RAY_DEDUP_LOGS_SKIP_REGEX"] = "."  # no line of its own on stdout
    try:
        if where.client_server(address):
            import_module("grpc")
        return import_module("ray")
    except ImportError as error:
        raise UsageError(
            f"a cluster needs the package {error.name}: install it with "
            "pip install 'lightstyle[ray]'"
        ) from error


def _init(ray: Any, address: str, cpus: int | None, local: LocalCluster | None) -> None:
    """Connect `ray`.

    Raises:
        ClusterError: It cannot be.
    """
    where.check_answers(address, ray)
    more: dict[str, Any] = {}
    if local is not None:
        more = local.options | {"num_cpus": cpus or available_cpus()}
    try:
        with _silent():
            ray.init(
                address,
                log_to_driver=False,
                logging_level=logging.CRITICAL,
                **more,
            )
    except ConnectionError as error:
        raise ClusterError(
            f"cluster {address}: no Ray cluster can be reached: start one with `ray "
            f"start --head`, or give {LOCAL} or ray://HOST:PORT"
        ) from error
    except Exception as error:
        if problem := versions.mismatch(address, error):
            raise problem from error
        why = one_line(str(error) or type(error).__name__)
        raise ClusterError(f"cluster {address} cannot be used: {why}") from error


@contextmanager
def _silent() -> Iterator[None]:
    """Drop what Ray prints while it connects, a line for each attempt."""
    with warnings.catch_warnings(), Path(os.devnull).open("wb") as nowhere:
        warnings.simplefilter("ignore")
        kept = os.dup(2)
        os.dup2(nowhere.fileno(), 2)
        try:
            yield
        finally:
            os.dup2(kept, 2)
            os.close(kept)


@contextmanager
def _handlers_kept() -> Iterator[None]:
    """Keep the handlers of signals, of which Ray replaces some.

    A terminal sends its signals to all processes; those that Ray starts do not hear of
    them, so that this one can end the work.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = {number: signal.getsignal(number) for number in SIGNALS}
    unheard = set(SIGNALS) - {signal.SIGTERM}  # by which Ray ends them
    has_masks = hasattr(signal, "pthread_sigmask")  # Windows has not
    mask = signal.pthread_sigmask(signal.SIG_BLOCK, unheard) if has_masks else set()
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
        if has_masks:
            signal.pthread_sigmask(signal.SIG_SETMASK, mask)
