import time
import tracemalloc
from collections.abc import Iterator

import pytest


@pytest.fixture
def _bounded() -> Iterator[None]:
    """The test takes little memory and little time."""
    tracemalloc.start()
    started = time.process_time()
    yield
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 80e6
    assert time.process_time() - started < 5
