"""What a person says of where a cluster is, and whether something is there."""

import re
import socket
from contextlib import suppress
from typing import Any, Final

from ..errors import ClusterError, UsageError
from ..text import shown

#: Words for a cluster that runs on this machine, and for one that is to be started.
AUTO, LOCAL = "auto", "local"

#: Seconds in which an address must answer.
_PATIENCE: Final = 15.0

#: A host, which may be an address of IPv6 in brackets, and a port.
_CLIENT: Final = re.compile(
    r"ray://(?:\[([^\s/\[\]]+)\]|([^\s/:\[\]]+)):(\d{1,5})", re.ASCII
)


def check(address: str) -> None:
    """Check that `address` can name a cluster.

    Raises:
        UsageError: It cannot.
    """
    if address not in (AUTO, LOCAL) and client_server(address) is None:
        raise UsageError(
            f"cluster is {shown(address)}, expected {AUTO}, {LOCAL} or ray://HOST:PORT"
        )


def client_server(address: str) -> tuple[str, int] | None:
    """Return host and port of a Ray Client server, if `address` is that of one."""
    found = _CLIENT.fullmatch(address)
    if not found or not 0 < int(found[3]) < 2**16:
        return None
    return found[1] or found[2], int(found[3])


def check_answers(address: str, ray: Any) -> None:
    """Check that something listens at an address: Ray would try for minutes.

    Raises:
        ClusterError: Nothing does.
    """
    place, where = client_server(address), ""
    advice = "give the address of a Ray Client server, whose port is 10001 by default"
    if address == AUTO:
        place = _found(ray)
        where = " at {}:{}".format(*place) if place else ""
        advice = f"start it again, or give {LOCAL} or ray://HOST:PORT"
    if place is None:
        return
    try:
        socket.create_connection(place, _PATIENCE).close()
    except OSError as error:
        raise ClusterError(
            f"cluster {address}{where}: nothing answers there: "
            f"{error.strerror or error}; {advice}"
        ) from error


def _found(ray: Any) -> tuple[str, int] | None:
    """Return where Ray has found a cluster on this machine, if it has and says so."""
    with suppress(Exception):  # a private function: without it, Ray itself would try
        found = ray._private.services.canonicalize_bootstrap_address(AUTO)
        host, _, port = found.rpartition(":")
        return host.strip("[]"), int(port)
    return None
