"""What is known of a run in a race: seconds of its turns, losses of its pictures."""

from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from itertools import accumulate
from statistics import median
from typing import Any, Final, Self

from tests.benchmarks.chart import Curve
from tests.benchmarks.crossing import best_until, first_reaching

#: A turn of more than so many medians was disturbed, and counts as so many.
LONGEST: Final = 1.5


@dataclass
class Track:
    """A run, as far as it has come.

    Attributes:
        name: What tables call it.
        start: Loss of the picture it started from.
        seconds: Of each turn: one evaluation, and the optimiser's work after it.
        losses: Call, from 1, → the judge's loss of the picture after it, clipped to
            0…255; of some calls only.
        ended: Why it ended before its turns did; empty if it did not.
    """

    name: str
    start: float
    seconds: list[float] = field(default_factory=list)
    losses: dict[int, float] = field(default_factory=dict)
    ended: str = ""

    @property
    def quiet(self) -> list[float]:
        """Seconds of each turn, all but the first no longer than `LONGEST` allows.

        What else the machine does hits an OpenMP program many times harder than
        another, and taking turns does not make up for that.
        """
        most = LONGEST * median(self.seconds) if self.seconds else 0.0
        first, rest = self.seconds[:1], self.seconds[1:]
        return [*first, *(min(turn, most) for turn in rest)]

    def until(self, call: int) -> float:
        """Quiet seconds from the start to the end of a call."""
        return sum(self.quiet[:call])

    def curve(self, *, count: bool) -> Curve:
        """Judged losses against seconds, or against calls if `count`."""
        times = [0.0, *accumulate(self.quiet)]
        judged = [(0, self.start), *sorted(self.losses.items())]
        points = [(call if count else times[call], loss) for call, loss in judged]
        return Curve(self.name, points)

    def as_record(self) -> dict[str, Any]:
        """Plain values, for JSON."""
        return asdict(self)

    @classmethod
    def of_record(cls, record: dict[str, Any]) -> Self:
        """The track whose record went through JSON, which has no whole-number keys."""
        losses = {int(call): loss for call, loss in record["losses"].items()}
        return cls(**{**record, "losses": losses})


@dataclass(frozen=True)
class Crossing:
    """When a run had the loss that a peer has after so many calls.

    Attributes:
        calls: The peer's calls.
        best: Its call with the lowest judged loss until then; the same, if it went
            downhill all the way.
        loss: Of the picture after that.
        peer_seconds: It took until that.
        evaluations: The run needed to a loss as low; `None` if it never had it.
        seconds: The run needed.
        ended: Why the run ended early; empty if it did not.
    """

    calls: int
    best: int
    loss: float
    peer_seconds: float
    evaluations: int | None
    seconds: float | None
    ended: str


def crossing(
    calls: int, peer: Track, run: Track, loss_of: Callable[[int], float]
) -> Crossing:
    """When `run`, judged further by `loss_of`, had what `peer` has after `calls`."""
    best, loss = best_until(calls, peer.losses)
    reached = first_reaching(loss, sorted(run.losses), loss_of)
    seconds = None if reached is None else run.until(reached)
    return Crossing(calls, best, loss, peer.until(best), reached, seconds, run.ended)
