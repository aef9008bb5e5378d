"""What Prometheus reads of the service, in its text format."""

from collections import Counter
from collections.abc import Iterator

from .foreman import Foreman
from .journal import State
from .store import Store


def text(store: Store, foreman: Foreman, streams: int) -> str:
    """Return all metrics."""
    return "".join(f"{line}\n" for line in _lines(store, foreman, streams))


def _lines(store: Store, foreman: Foreman, streams: int) -> Iterator[str]:
    jobs = store.jobs()
    states = Counter(job.look().state for job in jobs)
    yield "# HELP lightstyle_jobs Jobs that are kept, by state."
    yield "# TYPE lightstyle_jobs gauge"
    for state in State:
        yield f'lightstyle_jobs{{state="{state}"}} {states[state]}'
    gauges = {
        "jobs_running": ("Jobs that run now.", foreman.running),
        "streams": ("Open event streams.", streams),
        "data_bytes": ("Bytes of all jobs.", store.bytes),
        "disk_full": ("Whether the disk is full.", int(store.is_full)),
    }
    counters = {
        "ended_total": ("Attempts that have ended.", foreman.ended),
        "deaths_total": ("Worker processes that died at a job.", foreman.deaths),
        "evaluations_total": ("Evaluations of jobs that ended.", foreman.evaluations),
        "seconds_total": ("Seconds that attempts took.", foreman.seconds),
    }
    for kind, group in (("gauge", gauges), ("counter", counters)):
        for name, (what, value) in group.items():
            yield f"# HELP lightstyle_{name} {what}"
            yield f"# TYPE lightstyle_{name} {kind}"
            yield f"lightstyle_{name} {value:g}"
