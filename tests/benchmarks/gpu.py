"""``python -m tests.benchmarks.gpu``: milliseconds on a device, and what is not on it.

Unverified on CUDA: no GPU was to be had where this was written; it was rehearsed with
``--device cpu``. Memcpy nodes show in onnxruntime's profile, nodes that were given to
the CPU provider in its record of the assignment.
"""

import json
import statistics
from argparse import ArgumentParser
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory
from time import perf_counter
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lightstyle import Model, contract, onnx_runtime
from lightstyle.engine import offers, providers
from lightstyle.engine.provider import Provider
from lightstyle.errors import DeviceError
from tests.benchmarks import ours, stage, torch_peers
from tests.benchmarks.task import Scene, Task, load_scene


def placement(
    graph: Path, provider: Provider, feeds: Mapping[str, NDArray[Any]], folder: Path
) -> Counter[str]:
    """Count the nodes of a graph by execution provider, and its Memcpy nodes.

    Args:
        graph: The graph; its sizes are fixed where the provider asks for that.
        provider: Where to run it.
        feeds: All of the graph's inputs.
        folder: For the profile.
    """
    options = onnx_runtime.load().SessionOptions()
    options.add_session_config_entry("session.record_ep_graph_assignment_info", "1")
    options.enable_profiling = True
    options.profile_file_prefix = str(folder / "profile")
    if provider.fixed_sizes:
        for name, length in zip("HW", feeds[contract.IMAGE].shape[2:], strict=True):
            options.add_free_dimension_override_by_name(name, length)
    session = offers.find(provider).session(graph, options, None)
    counts: Counter[str] = Counter()
    for part in session.get_provider_graph_assignment_info():
        counts[part.ep_name] += len(part.get_nodes())
    session.run(None, dict(feeds))
    events = json.loads(Path(session.end_profiling()).read_text("utf-8"))
    names = {event["name"] for event in events if event.get("cat") == "Node"}
    counts["Memcpy"] = sum("memcpy" in name.lower() for name in names)
    return counts


def milliseconds(work: Callable[[], object], repeats: int) -> float:
    """Median of the calls after the third."""
    times = []
    for _ in range(repeats + 3):
        began = perf_counter()
        work()
        times.append(1e3 * (perf_counter() - began))
    return statistics.median(times[3:])


def step_milliseconds(engine: Any, task: Task, repeats: int, device: str) -> float:
    """Median time from one evaluation to the next, the optimiser's work included."""
    moments: list[float] = []
    task = replace(task, evaluations=repeats + 3)
    engine.optimise(task, lambda *_: moments.append(perf_counter()), device)
    return 1e3 * float(np.median(np.diff(moments)[3:]))


def _row(name: str, graph: float, step: float, counts: str) -> str:
    return f"| {name} | {graph:.1f} | {step - graph:.1f} | {counts} |"


def _ours(task: Task, repeats: int, folder: Path, provider: Provider) -> str:
    graph = milliseconds(ours.evaluator(task, provider.name), repeats)
    model = Model.load(task.network, provider.name)
    feeds = {
        contract.IMAGE: load_scene(task.scene).start,
        **ours.target_and_weight_feeds(task, model),
    }
    counts = placement(Path(task.network), provider, feeds, folder)
    nodes = f"{counts[providers.HOST.ort_name]} | {counts['Memcpy']}"
    step = step_milliseconds(ours, task, repeats, provider.name)
    return _row(task.name, graph, step, nodes)


def _peer(task: Task, repeats: int, device: str, *, tf32: bool) -> str:
    import torch

    torch.backends.cuda.matmul.allow_tf32 = tf32
    torch.backends.cudnn.allow_tf32 = tf32
    graph = milliseconds(torch_peers.evaluator(task, device), repeats)
    name = f"PyTorch, TF32 {'on' if tf32 else 'off'}"
    step = step_milliseconds(torch_peers, task, repeats, device)
    return _row(name, graph, step, "— | —")


def main() -> None:
    """Print a Markdown table, or that there is nothing to measure on."""
    parser = ArgumentParser(prog="python -m tests.benchmarks.gpu")
    stage.add_options(parser)
    parser.add_argument("--size", type=int, default=512)
    parser.add_argument("--repeats", type=int, default=30)
    parser.add_argument("--device", choices=providers.DEVICES[1:], default="cuda")
    options = parser.parse_args()
    provider = providers.named(options.device)
    assert provider is not None
    try:
        offers.find(provider)
    except DeviceError as error:
        print(error)
        return
    head = "| contender | graph, ms | optimiser, ms | CPU nodes | Memcpy nodes |"
    print(head + "\n" + "|---" * 5 + "|")
    with TemporaryDirectory() as name:
        prepared = stage.of_options(options, folder := Path(name))
        size = options.size
        noise = np.random.default_rng(0)
        scene = Scene(*noise.uniform(0, 255, (3, 1, 3, size, size)).astype(np.float32))
        path = prepared.scene("gpu", scene)
        for model in (prepared.vgg19, prepared.bundled):
            task = prepared.ours(f"lightstyle {model.stem}", model, path)
            print(_ours(task, options.repeats, folder, provider), flush=True)
        if torch_peers.installed() and provider.name in ("cpu", "cuda"):
            task = prepared.peer("eager", path)
            for tf32 in (False, True):
                print(
                    _peer(task, options.repeats, provider.name, tf32=tf32), flush=True
                )


if __name__ == "__main__":
    main()
