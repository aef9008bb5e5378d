"""Connects to a Ray cluster, or starts one on this machine that ends with the command.

Ray is imported here alone, and only when a cluster is asked for.
"""

import logging
import os
import re
import signal
import socket
import threading
import warnings
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from types import ModuleType
from typing import Any, Final

from ..contract import VERSION
from ..engine.threads import available_cpus
from ..errors import ClusterError, UsageError
from ..signals import SIGNALS
from ..text import one_line, shown
from .session import Session

#: Words for a cluster that runs on this machine, and for one that is to be started.
AUTO, LOCAL = "auto", "local"

#: Seconds in which an address must answer, and a node a question.
_PATIENCE: Final = 15.0


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
    """Check that `address` names a cluster, and that Ray is here; returns it.

    Raises:
        UsageError: It does not, or Ray is not.
    """
    if address not in (AUTO, LOCAL) and _host_and_port(address) is None:
        raise UsageError(
            f"cluster is {shown(address)}, expected {AUTO}, {LOCAL} or ray://HOST:PORT"
        )
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
    session = Session() if address == LOCAL else None
    try:
        with _handlers_kept():
            _init(ray, address, cpus, session)
        cluster = Cluster(address, ray)
        _check_versions(cluster)
        yield cluster
    finally:
        with _handlers_kept():
            ray.shutdown()
        if session is not None:
            session.end()


def _ray(address: str) -> ModuleType:
    """Import Ray, and what it needs for the address.

    Raises:
        UsageError: It is not installed.
    """
    os.environ["RAY_USAGE_STATS_ENABLED"] = "0"
    os.environ["RAY_DEDUP_LOGS_SKIP_REGEX"] = "."  # no line of its own on stdout
    try:
        if _host_and_port(address):
            import_module("grpc")
        return import_module("ray")
    except ImportError as error:
        raise UsageError(
            f"a cluster needs the package {error.name}: install it with "
            "pip install 'lightstyle[ray]'"
        ) from error


def _init(ray: Any, address: str, cpus: int | None, session: Session | None) -> None:
    """Connect `ray`.

    Raises:
        ClusterError: It cannot be.
    """
    if place := _host_and_port(address):
        advice = (
            "give the address of a Ray Client server, whose port is 10001 by default"
        )
        _check_answers(address, place, advice)
    elif address == AUTO and (place := _found(ray)):
        advice = f"start it again, or give {LOCAL} or ray://HOST:PORT"
        _check_answers(address, place, advice)
    more: dict[str, Any] = {}
    if session is not None:
        more = session.options | {"num_cpus": cpus or available_cpus()}
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
        if "Version mismatch" in str(error):
            found = re.findall(r"(?:Ray|Python): (\S+)", str(error))
            theirs, ours = (" with Python ".join(found[n : n + 2]) for n in (0, 2))
            raise ClusterError(
                f"cluster {address} has Ray {theirs}, and this machine Ray {ours}: "
                "install the same versions"
            ) from error
        why = one_line(str(error) or type(error).__name__)
        raise ClusterError(f"cluster {address} cannot be used: {why}") from error


def _found(ray: Any) -> tuple[str, int] | None:
    """Return where Ray has found a cluster on this machine, if it has and says so."""
    with suppress(Exception):  # it is a private function, of which we need no more
        found = ray._private.services.canonicalize_bootstrap_address(AUTO)
        host, _, port = found.rpartition(":")
        return host.strip("[]"), int(port)
    return None


def _check_answers(address: str, place: tuple[str, int], advice: str) -> None:
    """Raise a `ClusterError` unless something listens: Ray would try for minutes."""
    try:
        socket.create_connection(place, _PATIENCE).close()
    except OSError as error:
        where = "" if _host_and_port(address) else " at {}:{}".format(*place)
        raise ClusterError(
            f"cluster {address}{where}: nothing answers there: "
            f"{error.strerror or error}; {advice}"
        ) from error


def _check_versions(cluster: Cluster) -> None:
    """Raise a `ClusterError` if a machine has another Lightstyle, or none."""
    ray = cluster.ray
    ask = ray.remote(num_cpus=0, max_retries=0)(_question())
    asked = {
        node: ask.options(scheduling_strategy=cluster.on(node)).remote()
        for node in cluster.nodes
    }
    for node, answer in asked.items():
        try:
            found = ray.get(answer, timeout=4 * _PATIENCE)
        except Exception as error:
            raise ClusterError(
                f"node {node.address} of cluster {cluster.address} does not answer: "
                f"{one_line(str(error))[:200]}"
            ) from error
        if found != VERSION:
            raise ClusterError(
                f"node {node.address} of cluster {cluster.address} has Lightstyle "
                f"{found}, and this machine {VERSION}: install the same version on all"
            )


def _question() -> Any:
    def version() -> str:
        """Sent as it is, so that a node without Lightstyle can answer, too."""
        try:
            from lightstyle.contract import VERSION as FOUND
        except ImportError:
            return "none"
        return str(FOUND)

    return version


def _host_and_port(address: str) -> tuple[str, int] | None:
    found = re.fullmatch(
        r"ray://(?:\[([0-9a-fA-F:.]+)\]|([^\s/:\[\]]+)):(\d{1,5})", address
    )
    if not found or not 0 < int(found[3]) < 2**16:
        return None
    return found[1] or found[2], int(found[3])


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
    """Keep the handlers of signals, of which Ray replaces some."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = {number: signal.getsignal(number) for number in SIGNALS}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
