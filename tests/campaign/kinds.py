"""The kinds of files: their seeds, what mangles them, and commands that take them."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from . import containers, networks, pictures, states, values
from .commands import COMMANDS
from .layouts import structured
from .raw import Mutator
from .stage import Stage


@dataclass(frozen=True)
class Kind:
    """A kind of file.

    Attributes:
        name: What it is called.
        seeds: Good files, by their paths in the stage.
        mutators: What mangles them, beside mutators of any bytes.
    """

    name: str
    seeds: Mapping[str, bytes]
    mutators: Sequence[Mutator]

    @property
    def commands(self) -> Sequence[str]:
        """Command lines that take such a file."""
        return COMMANDS[self.name]


def all_kinds(stage: Stage) -> list[Kind]:
    """Fill the stage with good files and return the kinds, with their seeds."""
    models = networks.models()
    stage.add({**pictures.good(), **models})
    networks.expect_tiny_weights()
    return [*_kinds(stage, models)]


def _kinds(stage: Stage, models: Mapping[str, bytes]) -> Iterator[Kind]:
    layouts: list[Mutator] = [structured] * 4
    yield Kind("picture", pictures.pictures(), layouts)
    yield Kind("mask", pictures.masks(), layouts)
    yield Kind("map", pictures.maps(), layouts)
    yield Kind("record", states.records(), [containers.record] * 6 + [structured])
    yield Kind("checkpoint", states.checkpoints(stage), [containers.checkpoint] * 6)
    yield Kind("preset", states.presets_(), [values.toml] * 6)
    yield Kind("list", states.lists(stage), [values.json_lines] * 4)
    inside: list[Mutator] = [containers.mangled_weights] * 3
    yield Kind("weights", networks.weights(models), inside)
    graphs = {k: v for k, v in models.items() if k.startswith(networks.MODEL)}
    yield Kind("model", graphs, inside)
