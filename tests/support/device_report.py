"""``python -m tests.support.device_report DEVICE MODEL``: how a device does, as JSON.

It runs in a process of its own: a driver is chosen by the environment, once, and may
print.
"""

import json
import sys
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np

from lightstyle import Model, contract, onnx_runtime
from lightstyle.arrays import Array
from lightstyle.engine import choice, offers, providers
from lightstyle.engine.guides import guides
from lightstyle.engine.provider import Provider
from lightstyle.engine.providers import HOST
from lightstyle.engine.session import Session
from tests.support.networks import picture, weighed
from tests.support.oracles import relative_l2

#: Height and width of the pictures: those of the self-test, whose shaders are there.
SIZE = contract.MINIMUM_SIDE, contract.MINIMUM_SIDE

IMAGE, CONTENT = picture(*SIZE, seed=0)[None], picture(*SIZE, seed=1)[None]


def report(device: str, path: Path) -> dict[str, Any]:
    """Compare a device with the CPU.

    Returns:
        Relative L2 distance of results, by name; the nodes of each graph by provider;
        the line that describes the device; and the device that ``auto`` takes.
    """
    row = providers.named(device)
    assert row is not None
    model, host = Model.load(path, device), Model.load(path, HOST.name)
    feeds = weighed(host.targets(CONTENT), 1.0, tv_weight=1.0)
    whole = _evaluated(model, feeds), _evaluated(host, feeds)
    regions = _guided(host, feeds)
    guided = _evaluated(model, regions), _evaluated(host, regions)
    targets = model.targets(CONTENT), host.targets(CONTENT)
    bound = _bound(row, path), host.targets(CONTENT)
    pairs = {"evaluation": whole, "guided": guided, "targets": targets, "bound": bound}
    return {
        "distances": {
            f"{graph}/{name}": relative_l2(found[name], np.asarray(value, np.float64))
            for graph, (found, expected) in pairs.items()
            for name, value in expected.items()
        },
        "nodes": {
            graph.name: _nodes(row, graph)
            for graph in (path, contract.targets_path(path), contract.guided_path(path))
        },
        "described": next(d for d in choice.described(path) if d.startswith(device)),
        "auto": Model.load(path, "auto").device,
    }


def _evaluated(model: Model, feeds: dict[str, Array]) -> dict[str, Any]:
    found = model.evaluate(IMAGE, feeds)
    return {contract.GRADIENT: found.gradient, **found.terms}


def _guided(host: Model, feeds: dict[str, Array]) -> dict[str, Array]:
    """The feeds of two regions, halves of the picture, with the same style."""
    halves = np.zeros((2, *SIZE), np.float32)
    halves[0, :, :20], halves[1, :, 20:] = 1, 1
    made = {**feeds, **guides(halves), contract.REGION_WEIGHT: np.ones((2, 1), "f4")}
    for layer in host.info.style_layers:
        gram = feeds[contract.style_target(layer)]
        made[contract.style_target(layer)] = np.stack([gram, gram])
        metric = np.eye(len(gram), dtype=np.float32)
        made[contract.style_metric(layer)] = np.stack([metric, metric])
    return made


def _bound(row: Provider, path: Path) -> dict[str, Any]:
    """The targets of a run on tensors of the device."""
    session = Session(contract.targets_path(path), row, 1, size=SIZE)
    placed = {contract.IMAGE: session.place(CONTENT)}
    return {k: v.numpy() for k, v in session.run_bound(placed).items()}


def _nodes(row: Provider, graph: Path) -> dict[str, int]:
    options = onnx_runtime.load().SessionOptions()
    options.add_session_config_entry("session.record_ep_graph_assignment_info", "1")
    for name, length in zip("HW", SIZE, strict=True):
        options.add_free_dimension_override_by_name(name, length)
    session = offers.find(row).session(graph, options, None)
    counts: Counter[str] = Counter()
    for part in session.get_provider_graph_assignment_info():
        counts[part.ep_name] += len(part.get_nodes())
    return dict(counts)


if __name__ == "__main__":
    print(json.dumps(report(sys.argv[1], Path(sys.argv[2]))))
