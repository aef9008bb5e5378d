"""Tests of two workers on machines with one CPU."""

import pytest

from lightstyle.engine import threads

#: For commands in processes of their own; the fixture `run` brings two CPUs.
needs_two_cpus = pytest.mark.skipif(
    threads.available_cpus() < 2, reason="each worker needs a CPU: there is only one"
)
