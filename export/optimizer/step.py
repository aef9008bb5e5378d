"""Graphs of one step of L-BFGS, alone or appended to an evaluation.

All state goes in and comes out, so a run is a loop of evaluation and step in any
language:

    image, gradient, weighted_sums, free, state → next/image, next/state
"""

import numpy as np
from numpy.typing import DTypeLike

from lightstyle import contract
from lightstyle import step_contract as names

from ..graph import Graph, Shape
from .formulas import Evaluated, step
from .values import Value


def step_graph(*, rewrite: bool = False, dtype: DTypeLike = np.float32) -> Graph:
    """Build the graph of the step alone.

    Args:
        rewrite: Whether it writes all pairs anew, as for `append_step`.
        dtype: Of its numbers.
    """
    graph = Graph(dtype=np.dtype(dtype))
    picture: Shape = (1, 3, "H", "W")
    evaluated = Evaluated(
        graph.input(contract.IMAGE, picture),
        graph.input(contract.GRADIENT, picture),
        graph.input(contract.WEIGHTED_SUMS, ("K",)),
    )
    append_step(graph, evaluated, rewrite=rewrite)
    return graph


def descent_graph(evaluation: Graph, *, rewrite: bool = False) -> Graph:
    """Append the step to an evaluation graph, and return it.

    Args:
        evaluation: A lowered evaluation graph, which is changed.
        rewrite: Whether it writes all pairs anew, as for `append_step`.
    """
    outputs = evaluation.outputs
    evaluated = Evaluated(
        evaluation.inputs[contract.IMAGE],
        outputs[contract.GRADIENT],
        outputs[contract.WEIGHTED_SUMS],
    )
    evaluation.outputs = {contract.WEIGHTED_LOSSES: outputs[contract.WEIGHTED_LOSSES]}
    append_step(evaluation, evaluated, rewrite=rewrite)
    return evaluation


def append_step(graph: Graph, evaluated: Evaluated, *, rewrite: bool) -> None:
    """Append the step, the inputs of its state, and its outputs to a graph.

    Args:
        graph: Where it goes.
        evaluated: What was evaluated.
        rewrite: Whether the step writes all pairs anew: the form for run times whose
            ScatterND is slow. The other form writes one slot where the run time is
            given the same memory for the old and new pairs, and copies all where not.
    """
    with graph.scope("step"):
        free = Value(graph, graph.input(names.FREE, (1, 1, "H", "W")))
        shapes = names.state_shapes("H", "W", "M", "K")
        shapes[names.POINT_SUMS] = evaluated.sums.shape
        old = {name: Value(graph, graph.input(name, s)) for name, s in shapes.items()}
        new = step(evaluated, free, old, rewrite=rewrite)
    for name, value in new.items():
        graph.outputs[names.following(name)] = value.tensor
