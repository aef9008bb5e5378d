from collections.abc import Iterator

import pytest

from lightstyle.cluster.connection import Cluster, connected


@pytest.fixture(scope="session")
def cluster() -> Iterator[Cluster]:
    """A cluster on this machine with two CPUs to give away."""
    pytest.importorskip("ray", reason="needs the extra ray")
    with connected("local", cpus=2) as cluster:
        yield cluster
