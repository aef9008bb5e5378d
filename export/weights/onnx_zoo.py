"""Reads VGG19 from an ONNX model, such as the model zoo's `vgg19-7.onnx`.

Exporters name the tensors differently, but VGG19 is always a chain of convolutions. So
the kernels are taken in the order of the Conv nodes, and names only suggest the
preprocessing.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from ..errors import WeightsError
from .naming import CONVOLUTIONS, family_of
from .tensors import LazyTensor, WeightsFile, require


@contextmanager
def open_onnx(path: Path) -> Iterator[WeightsFile]:
    """Open an ONNX model whose Conv nodes are VGG19's.

    Raises:
        WeightsError: onnx is missing, or the model is not a plain VGG19.
    """
    onnx = require("onnx")
    graph = onnx.load_model_from_string(path.read_bytes()).graph
    if any(node.op_type == "BatchNormalization" for node in graph.node):
        raise WeightsError("it has batch normalisation; expected the plain VGG19")
    nodes = [node for node in graph.node if node.op_type == "Conv"]
    if not nodes:
        raise WeightsError("it is no ONNX model with convolutions; expected VGG19")
    stored = {tensor.name: tensor for tensor in graph.initializer}
    layers = dict(zip(CONVOLUTIONS, nodes, strict=False))
    family = family_of(nodes[0].input[1])
    yield WeightsFile(
        f"ONNX, {family} names" if family else "ONNX",
        {layer: _lazy(stored, node, 1) for layer, node in layers.items()},
        {
            layer: _lazy(stored, node, 2)
            for layer, node in layers.items()
            if len(node.input) > 2
        },
        family,
        layout="OIHW",
    )


def _lazy(stored: dict[str, Any], node: Any, place: int) -> LazyTensor:
    numpy_helper = require("onnx.numpy_helper")
    name = node.input[place]
    if name not in stored:
        raise WeightsError(f"the tensor {name!r} of a convolution is not in the model")
    tensor = stored[name]
    # onnx would read the values from any file that the model names.
    if tensor.external_data or tensor.data_location != tensor.DEFAULT:
        raise WeightsError(
            f"{name!r} keeps its values in another file; save the model as one file"
        )
    return LazyTensor(tuple(tensor.dims), lambda: numpy_helper.to_array(tensor))
