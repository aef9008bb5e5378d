"""What the page can paint on by itself, and what it needs for that."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from .. import contract
from ..settings.settings import Settings


@dataclass(frozen=True)
class Device:
    """A device of a visitor.

    Attributes:
        size: Longest side of a picture, if nobody asks for another.
        largest: Longest side of a picture at most.
        iterations: Number of evaluations, if nobody asks for another. In wasm one
            thread paints a square of that size in 60 s, and 4:3 in 47 (`python
            -m tests.benchmarks.edge`).
        runtime: Files of onnxruntime-web's folder ``dist``, and what they are called
            here: servers that know no ``.mjs`` send them as a type with which no
            browser takes a module.
        graphs: Returns the graphs of a model that it needs.
    """

    size: int
    largest: int
    iterations: int
    runtime: Mapping[str, str]
    graphs: Callable[[Path], tuple[Path, ...]]


def _for_webgpu(model: Path) -> tuple[Path, ...]:
    step = contract.step_path(contract.webgpu_path(model))
    return model, contract.targets_path(model), step


def _for_wasm(model: Path) -> tuple[Path, ...]:
    fast, kernels = contract.cpu_path(model), contract.kernels_path(model)
    return fast, contract.targets_path(fast), kernels


DEVICES: Final[Mapping[str, Device]] = {
    "webgpu": Device(
        512,
        1024,
        Settings().iterations,
        {
            "ort.webgpu.min.mjs": "ort.webgpu.min.js",
            "ort-wasm-simd-threaded.asyncify.mjs": "ort-wasm-simd-threaded.asyncify.js",
            "ort-wasm-simd-threaded.asyncify.wasm": (
                "ort-wasm-simd-threaded.asyncify.wasm"
            ),
        },
        _for_webgpu,
    ),
    "wasm": Device(
        256,
        512,
        110,
        {
            "ort.wasm.min.mjs": "ort.wasm.min.js",
            "ort-wasm-simd-threaded.mjs": "ort-wasm-simd-threaded.js",
            "ort-wasm-simd-threaded.wasm": "ort-wasm-simd-threaded.wasm",
        },
        _for_wasm,
    ),
}
