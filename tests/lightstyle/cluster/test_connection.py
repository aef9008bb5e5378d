import os
import signal
import socket
import sys
from pathlib import Path
from typing import Any

import psutil
import pytest

from lightstyle.cluster import connection, versions
from lightstyle.cluster.connection import Cluster, check, connected
from lightstyle.errors import ClusterError, UsageError
from tests.support.clusters import of_cluster
from tests.support.processes import start_script, wait_for

pytest.importorskip("ray", reason="needs the extra ray")

STARTS = """
import os, sys
from lightstyle.cluster.connection import connected
with connected("local", cpus=1):
    print(os.environ["LIGHTSTYLE_CLUSTER"], flush=True)
    sys.stdin.read()
"""


@pytest.mark.parametrize(
    "address",
    [
        "",
        "Local",
        "ray://",
        "ray://host",
        "ray://host:0",
        "ray://h:99999",
        "http://host:10001",
        "10.0.0.1:6379",
        "ray://a/b:1",
        "ray://a:1/",
    ],
)
def test_an_address_that_cannot_be_is_refused(address: str) -> None:
    with pytest.raises(UsageError, match="expected auto, local or ray://HOST:PORT"):
        check(address)


@pytest.mark.parametrize("address", ["auto", "local", "ray://h:1", "ray://[::1]:10001"])
def test_an_address_that_can_be_is_taken(address: str) -> None:
    assert check(address) == address


@pytest.mark.parametrize(
    ("address", "package"), [("local", "ray"), ("ray://h:1", "grpc")]
)
def test_without_ray_a_line_says_what_to_install(
    monkeypatch: pytest.MonkeyPatch, address: str, package: str
) -> None:
    monkeypatch.setitem(sys.modules, package, None)
    with pytest.raises(UsageError, match=r"needs the package .* 'lightstyle\[ray\]'"):
        check(address)


def test_an_address_at_which_nothing_listens_is_told() -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    with (
        pytest.raises(ClusterError, match="nothing answers there: Connection refused"),
        connected(f"ray://127.0.0.1:{port}"),
    ):
        pass


def test_a_local_cluster_has_one_node_with_the_cpus_that_it_was_given(
    cluster: Cluster,
) -> None:
    (node,) = cluster.nodes
    assert node.cpus == 2
    assert 10**8 < node.memory < psutil.virtual_memory().total


@pytest.mark.skipif(sys.platform == "win32", reason="there is no such priority")
def test_workers_of_a_local_cluster_are_no_nicer_than_this_process(
    cluster: Cluster,
) -> None:
    niceness = cluster.ray.remote(num_cpus=0)(lambda: os.nice(0))
    assert cluster.ray.get(niceness.remote()) == os.nice(0)


def test_signals_are_handled_as_before(cluster: Cluster) -> None:
    assert signal.getsignal(signal.SIGTERM) is signal.SIG_DFL


def test_a_node_with_another_lightstyle_is_named(
    cluster: Cluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    (node,) = cluster.nodes
    monkeypatch.setattr(versions, "VERSION", "9.9")
    with pytest.raises(ClusterError, match=r"node 10.0.0.7 .* Lightstyle 0.* 9.9: "):
        versions.check(cluster.ray, "local", {"10.0.0.7": cluster.on(node)})


def test_another_ray_or_python_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    class Ray:
        def init(self, address: str, **options: Any) -> None:
            raise RuntimeError(
                "Version mismatch: The cluster was started with:\n    Ray: 2.50.0\n"
                "    Python: 3.12.1\nThis process on Ray Client was started with:\n"
                "    Ray: 2.60.0\n    Python: 3.11.2\n"
            )

        def shutdown(self) -> None:
            pass

    monkeypatch.setattr(connection, "_ray", lambda address: Ray())
    with (
        pytest.raises(
            ClusterError,
            match=r"has Ray 2.50.0 with Python 3.12.1, and this machine Ray 2.60.0 "
            r"with Python 3.11.2: install the same",
        ),
        connected("auto"),
    ):
        pass


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="reads environments of processes")
@pytest.mark.parametrize("kill", [False, True])
def test_a_local_cluster_leaves_nothing_however_its_process_ends(kill: bool) -> None:
    process = start_script(STARTS, stdin=-1, stdout=-1)
    assert process.stdin
    assert process.stdout
    folder = process.stdout.readline().strip()
    assert Path(folder).is_dir()
    assert len(of_cluster(folder)) > 2
    if kill:
        process.kill()
    process.stdin.close()
    process.wait()
    process.stdout.close()
    wait_for(lambda: not of_cluster(folder) and not Path(folder).exists(), 20)
