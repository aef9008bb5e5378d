"""What a picture takes in memory, and how it is computed within a budget.

The whole picture at once is fastest. Where that does not fit, it is cut into the
largest strips that do, which costs about half as much time again, or less is remembered
of the optimisation's past. Neither changes the loss.

The prediction adds up what the process holds already, what is kept for every pixel and,
for the graph that takes most, what the exporter counted for a position.
"""

import json
import os
import re
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Self

from . import contract
from .errors import ModelError, UsageError
from .lbfgs import HISTORY, bytes_per_variable
from .parts import REACH, Plan

#: Pairs that the optimiser may be left with, the best first.
HISTORIES: Final = (HISTORY, HISTORY // 2, HISTORY // 4)

#: Of the memory that is free, what a run may take if nothing is said.
_SHARE: Final = 0.8

#: For each pixel: pictures, targets' pictures, what is fed and what is written.
_PICTURES: Final = 3 * 4 * 8

#: Least lines of its own that a strip must have, in multiples of its halo.
_OWN: Final = 2

_UNITS: Final = {"": 1, "K": 10**3, "M": 10**6, "G": 10**9, "T": 10**12}


@dataclass(frozen=True)
class Costs:
    """Bytes that the graphs of a model take, as the exporter counted them.

    Attributes:
        whole: For each pixel, of an evaluation of the whole picture.
        kept: For each pixel, of what an evaluation in parts keeps between blocks.
        forward: For each position of a block's input, of its graph in that sweep.
        backward: The same of the other sweep.
        work: Multiplications for each pixel, of each block's convolutions.
    """

    whole: float
    kept: float
    forward: Mapping[int, float]
    backward: Mapping[int, float]
    work: Mapping[int, float]

    @classmethod
    def parse(cls, metadata: Mapping[str, str]) -> Self | None:
        """Costs of the model that has `metadata`; none if it cannot be cut.

        Raises:
            ModelError: If the metadata are not what an exporter writes.
        """
        text = metadata.get(contract.META_COSTS)
        if text is None:
            return None
        try:
            values: dict[str, Any] = json.loads(text)
            forward, backward, work = (
                {number: float(cost) for number, cost in enumerate(values[name], 1)}
                for name in (contract.FORWARD, contract.BACKWARD, "work")
            )
            whole, kept = float(values["whole"]), float(values["kept"])
            return cls(whole, kept, forward, backward, work)
        except (ValueError, KeyError, TypeError) as error:
            raise ModelError(f"the model's costs are damaged: {text[:80]}") from error


@dataclass(frozen=True)
class Layout:
    """How a picture is computed.

    Attributes:
        plan: Of its strips; none if it is computed whole.
        history: Pairs that the optimiser remembers.
        memory: Bytes that the process is expected to take at most.
    """

    plan: Plan | None
    history: int
    memory: int

    def __str__(self) -> str:
        """In words."""
        how = "whole" if self.plan is None else f"in strips of {self.plan.lines} lines"
        return f"{how}, {self.memory / 1e9:.2f} GB, history of {self.history}"


def parse(text: str | None) -> int | None:
    """Bytes of ``2GB``, ``800M`` or ``1500000000``; none for ``auto``.

    Raises:
        UsageError: If it is neither.
    """
    if text is None or text == "auto":
        return None
    form = r"(\d+(?:\.\d+)?)\s*([KMGT]?)B?"
    match = re.fullmatch(form, text.strip(), re.IGNORECASE)
    if match is None:
        raise UsageError(f"memory is {text}, expected auto or a size such as 2GB")
    return int(float(match[1]) * _UNITS[match[2].upper()])


def choose(
    costs: Costs | None, budget: int | None, held: int, height: int, width: int
) -> Layout:
    """The fastest layout of a picture of `height` × `width` within `budget` bytes.

    Args:
        costs: Of the model; none if it can only compute whole pictures.
        budget: For the whole process; none for most of what is free.
        held: Bytes that the process holds with the model loaded and nothing run.
        height: In pixels.
        width: In pixels.

    Raises:
        UsageError: If nothing fits, saying what would.
    """
    if costs is None:
        return Layout(None, HISTORY, 0)
    limit = resident() + int(_SHARE * available()) if budget is None else budget
    smallest = None
    for layout in _layouts(costs, held, limit, height, width):
        if layout.memory <= limit:
            return layout
        smallest = layout
    assert smallest is not None
    raise UsageError(
        f"memory is {limit / 1e9:.2f} GB, but {width}x{height} takes "
        f"{smallest.memory / 1e9:.2f} GB at the least: allow as much or choose a "
        "smaller size"
    )


def _layouts(
    costs: Costs, held: int, limit: int, height: int, width: int
) -> Iterator[Layout]:
    """All that could be tried, the best first and the smallest last."""
    pixels = height * width
    whole = int(costs.whole * pixels)
    for history in HISTORIES[:2]:
        yield Layout(None, history, held + whole + _kept(pixels, history))
    for history in HISTORIES:
        fixed = held + int(costs.kept * pixels) + _kept(pixels, history)
        yield _cut(costs, fixed, min(limit, fixed + whole), history, height, width)


def _kept(pixels: int, history: int) -> int:
    """What the pictures and the optimiser take."""
    return pixels * (_PICTURES + 3 * bytes_per_variable(history))


def _cut(
    costs: Costs, fixed: int, limit: int, history: int, height: int, width: int
) -> Layout:
    """The largest strips for which `limit` leaves room beside what is `fixed`."""
    room, most, sweeps = limit - fixed, 0.0, []
    for by_block, sides in ((costs.forward, 1), (costs.backward, 2)):
        lines = {}
        for number, cost in by_block.items():
            short, long = sorted((height >> number - 1, width >> number - 1))
            fitting = int(room / (cost * short)) // 2 * 2
            halo = sides * REACH[number]
            lines[number] = max((2 + _OWN) * halo, min(fitting, long + long % 2))
            most = max(most, cost * short * min(lines[number], long))
        sweeps.append(lines)
    return Layout(Plan(*sweeps), history, fixed + int(most))


def resident() -> int:
    """Bytes of memory that this process holds."""
    try:
        pages = int(Path("/proc/self/statm").read_text("ascii").split()[1])
        return pages * os.sysconf("SC_PAGE_SIZE")
    except (OSError, ValueError, AttributeError):
        return 300 * 10**6  # what a process with a model loaded holds


def available() -> int:
    """Bytes that this process may still take: the machine's, or its container's."""
    free = [_machine()]
    group = Path("/sys/fs/cgroup")
    try:
        most = int((group / "memory.max").read_text("ascii"))
        free.append(most - int((group / "memory.current").read_text("ascii")))
    except (OSError, ValueError):  # no control group, or no limit ("max")
        pass
    return max(0, min(free))


def _machine() -> int:
    try:
        for line in Path("/proc/meminfo").read_text("ascii").splitlines():
            if line.startswith("MemAvailable:"):
                return 1024 * int(line.split()[1])
    except (OSError, ValueError):
        pass
    try:
        return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") // 2
    except (ValueError, AttributeError):
        return sys.maxsize  # nothing tells: whole pictures, as ever
