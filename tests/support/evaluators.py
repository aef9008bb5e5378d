"""Graphs in parts of a tiny network in float64, on onnx's reference."""

from collections.abc import Mapping
from functools import cache
from typing import Any

import numpy as np
from onnx.reference import ReferenceEvaluator

from export import STYLE_LAYERS, model
from export.graph import Graph
from export.network import LossNetwork
from export.parts import PartGraphs
from export.write import to_proto
from lightstyle import contract
from lightstyle.engine.heads import RunGraph
from tests.support.networks import tiny_weights
from tests.support.oracles import run_reference

WEIGHTS = tiny_weights()
CONTENT = {"conv4_2": 2.0, "conv5_2": 0.5}
STYLE = dict.fromkeys(STYLE_LAYERS, 30.0)


@cache
def evaluator(pooling: str, *, cpu: bool) -> RunGraph:
    """All graphs of the tiny network in parts, in float64, on onnx's reference."""
    graphs = PartGraphs(LossNetwork(WEIGHTS, [*CONTENT], [*STYLE], pooling, np.float64))
    made: dict[str, Graph] = {contract.HEADS: graphs.heads()}
    for number in range(1, graphs.count + 1):
        for sweep in contract.SWEEPS:
            role = contract.part_role(number, sweep)
            made[role] = graphs.part(number, sweep, cpu=cpu)
    kernels: dict[str, Any] = {}
    for graph in made.values():
        kernels |= run_reference(model.kernels(WEIGHTS, graph), {})
    evaluators = {role: ReferenceEvaluator(to_proto(g)) for role, g in made.items()}

    def run(role: str, feeds: Mapping[str, Any], *, last: bool) -> dict[str, Any]:
        given = {**kernels, **feeds}
        needed = {name: given[name] for name in made[role].inputs}
        return dict(
            zip(made[role].outputs, evaluators[role].run(None, needed), strict=True)
        )

    return run
