"""Checks that the machines of a cluster have the same versions as this one."""

import re
from collections.abc import Callable, Mapping
from typing import Any, Final

from ..contract import VERSION
from ..errors import ClusterError
from ..text import one_line

#: Seconds in which a machine must answer; it may have to start a process.
_PATIENCE: Final = 60.0


def mismatch(address: str, error: Exception) -> ClusterError | None:
    """Return what is to be said if `error` is Ray's about Ray's or Python's version."""
    if "Version mismatch" not in str(error):
        return None
    found = re.findall(r"(?:Ray|Python): (\S+)", str(error))
    theirs, ours = (" with Python ".join(found[n : n + 2]) for n in (0, 2))
    return ClusterError(
        f"cluster {address} has Ray {theirs}, and this machine Ray {ours}: install the "
        "same versions"
    )


def check(ray: Any, address: str, nodes: Mapping[str, Any]) -> None:
    """Check that each machine has this Lightstyle.

    Args:
        ray: The module, connected.
        address: Address of the cluster.
        nodes: Ray's strategy that has something run on a machine, by its address.

    Raises:
        ClusterError: One has another version, or none, or does not answer.
    """
    ask = ray.remote(num_cpus=0, max_retries=0)(_question())
    asked = {
        node: ask.options(scheduling_strategy=strategy).remote()
        for node, strategy in nodes.items()
    }
    for node, answer in asked.items():
        try:
            found = ray.get(answer, timeout=_PATIENCE)
        except Exception as error:
            raise ClusterError(
                f"node {node} of cluster {address} does not answer: "
                f"{one_line(str(error))[:200]}"
            ) from error
        if found != VERSION:
            raise ClusterError(
                f"node {node} of cluster {address} has Lightstyle {found}, and this "
                f"machine {VERSION}: install the same version on all"
            )


def _question() -> Callable[[], str]:
    def version() -> str:
        """Sent as it is, so that a node without Lightstyle can answer, too."""
        try:
            from lightstyle.contract import VERSION as FOUND
        except ImportError:
            return "none"
        return str(FOUND)

    return version
