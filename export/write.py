"""Writes a model: one weights file, and ONNX graphs that refer to it.

The same graphs give the same bytes: nodes and tensors are written in the order they
were made, maps in sorted order, and neither date nor machine is recorded.
"""

import hashlib
import json
import os
import struct
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import onnx
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

from lightstyle import contract, leftovers
from lightstyle.step_contract import NUMBER_NAMES, NUMBERS, following

from .errors import OutputError
from .graph import Graph, Node, Tensor

#: Of 2022: old enough for every run time in use, new enough for all operators here.
OPSET = 17
IR_VERSION = 8

#: Metadata are at the start of a weights file and at the end of a graph.
_HEAD_BYTES = 8192

#: The first tensor of a weights file starts at a multiple of this.
ALIGNMENT = 4096

#: Name of the external file, and for each constant in it (offset, length) in bytes.
_Places = tuple[str, Mapping[str, tuple[int, int]]]


def write_model(
    path: Path,
    graphs: Mapping[Path, Graph],
    tensors: Mapping[str, NDArray[Any]],
    metadata: Mapping[str, str],
) -> None:
    """Write the files of a model, after onnx has checked them.

    They are written in a temporary folder and moved into place when all are valid, in
    the order of `contract.graph_paths`. Graphs of an old model at `path` that the new
    one does not have are removed.

    Args:
        path: Path of the evaluation graph; `contract` derives the others.
        graphs: Lowered graphs by the paths of `contract.graph_paths`.
        tensors: The network's tensors by name. Graphs refer to them as external data.
            All are written, so that other graphs can be built from the file.
        metadata: Entries by `contract`'s keys, except those that only some graphs have,
            role and weights digest.

    Raises:
        OutputError: The files cannot be written, or would replace another file.
    """
    weights = contract.weights_path(path)
    for file in (*contract.graph_paths(path), weights):
        _check_replaceable(file)
    try:
        with leftovers.folder(path) as folder:
            _write_files(folder, path, graphs, tensors, metadata)
            (folder / weights.name).replace(weights)
            for file in contract.graph_paths(path):
                if file in graphs:
                    (folder / file.name).replace(file)
                else:
                    file.unlink(missing_ok=True)
    except OSError as error:
        raise OutputError(f"cannot write {path}: {error.strerror}") from error


def to_proto(
    graph: Graph,
    metadata: Mapping[str, str] | None = None,
    external: _Places = ("", {}),
) -> onnx.ModelProto:
    """Convert a lowered graph to ONNX; constants not in `external` go inside."""
    public = {tensor: name for name, tensor in graph.outputs.items()}

    def name(tensor: Tensor) -> str:
        return public.get(tensor, tensor.name)

    proto = helper.make_graph(
        [_node(node, name) for node in graph.nodes],
        "lightstyle",
        [_value(t, t.name) for t in graph.inputs.values()],
        [_value(t, n) for n, t in graph.outputs.items()],
        [_initializer(n, v, external) for n, v in graph.constants.items()],
    )
    opset = helper.make_opsetid("", OPSET)
    model = helper.make_model(proto, opset_imports=[opset], ir_version=IR_VERSION)
    model.producer_name = "lightstyle"
    helper.set_model_props(model, dict(sorted((metadata or {}).items())))
    return model


def _check_replaceable(path: Path) -> None:
    """Refuse to replace a file that is not a model's."""
    if not os.path.lexists(path):
        return
    data = path.read_bytes() if path.is_file() else b""
    if contract.META_SCHEMA.encode() not in data[:_HEAD_BYTES] + data[-_HEAD_BYTES:]:
        raise OutputError(
            f"cannot write {path}: it exists and is no model's file; choose another "
            "name"
        )


def _write_files(
    folder: Path,
    path: Path,
    graphs: Mapping[Path, Graph],
    tensors: Mapping[str, NDArray[Any]],
    metadata: Mapping[str, str],
) -> None:
    weights = folder / contract.weights_path(path).name
    data, places = _safetensors(tensors, metadata)
    weights.write_bytes(data)
    digest = hashlib.sha256(data).hexdigest()
    roles = contract.graph_paths(path)
    for place, graph in graphs.items():
        extra = {contract.META_ROLE: roles[place], contract.META_WEIGHTS_DIGEST: digest}
        entries = {**metadata, **extra, **_elements(graph, metadata)}
        model = to_proto(graph, entries, (weights.name, places))
        file = folder / place.name
        file.write_bytes(model.SerializeToString(deterministic=True))
        onnx.checker.check_model(str(file), full_check=True)


def _elements(graph: Graph, metadata: Mapping[str, str]) -> dict[str, str]:
    """Return metadata that name the elements of a graph's vectors."""
    keys = contract.META_CONTENT_LAYERS, contract.META_STYLE_LAYERS
    found = {}
    if contract.WEIGHTED_LOSSES in graph.outputs:
        layers = ([*filter(None, metadata[key].split(","))] for key in keys)
        found[contract.META_TERMS] = ",".join(contract.terms(*layers))
    if following(NUMBERS) in graph.outputs:
        found[contract.META_NUMBERS] = ",".join(NUMBER_NAMES)
    return found


def _safetensors(
    tensors: Mapping[str, NDArray[Any]], metadata: Mapping[str, str]
) -> tuple[bytes, dict[str, tuple[int, int]]]:
    """Return the weights file, and (offset, length) in bytes of each tensor in it.

    The safetensors package is not used, because the graphs must know where each tensor
    lies, and the bytes must not depend on its version.
    """
    header: dict[str, Any] = {"__metadata__": dict(sorted(metadata.items()))}
    values, spans = bytearray(), {}
    for name, value in tensors.items():
        data = value.astype(value.dtype.newbyteorder("<"), copy=False).tobytes()
        spans[name] = len(values), len(data)
        header[name] = {
            "dtype": f"F{8 * value.itemsize}",
            "shape": list(value.shape),
            "data_offsets": [len(values), len(values) + len(data)],
        }
        values += data
    text = json.dumps(header, separators=(",", ":")).encode()
    text += b" " * (-(len(text) + 8) % ALIGNMENT)
    start = len(text) + 8
    places = {name: (start + at, length) for name, (at, length) in spans.items()}
    return struct.pack("<Q", len(text)) + text + values, places


def _node(node: Node, name: Any) -> onnx.NodeProto:
    attributes = dict(sorted(node.attributes.items()))
    if "to" in attributes:
        attributes["to"] = helper.np_dtype_to_tensor_dtype(attributes["to"])
    inputs, output = [name(tensor) for tensor in node.inputs], name(node.output)
    return helper.make_node(node.op, inputs, [output], node.output.name, **attributes)


def _value(tensor: Tensor, name: str) -> onnx.ValueInfoProto:
    kind = helper.np_dtype_to_tensor_dtype(tensor.dtype)
    return helper.make_tensor_value_info(name, kind, tensor.shape)


def _initializer(name: str, value: NDArray[Any], external: _Places) -> onnx.TensorProto:
    location, places = external
    if name not in places:
        return numpy_helper.from_array(value, name)
    tensor = TensorProto(name=name, dims=value.shape)
    tensor.data_type = helper.np_dtype_to_tensor_dtype(value.dtype)
    tensor.data_location = TensorProto.EXTERNAL
    offset, length = places[name]
    entries = {"location": location, "offset": str(offset), "length": str(length)}
    for key, text in entries.items():
        tensor.external_data.add(key=key, value=text)
    return tensor
