"""Mutators of archives and models; what is changed in them keeps its digest or CRC."""

import hashlib
import io
import json
import struct
import zipfile
import zlib
from collections.abc import Mapping
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory
from typing import Any, Final
from warnings import catch_warnings, simplefilter

import numpy as np
import onnx
from numpy.typing import NDArray

from lightstyle.records import archive

from .layouts import png_chunks, png_of
from .raw import any_raw, digits
from .values import hostile, mangled

_DIGEST: Final = 32
_ITXT: Final = b"lightstyle\0\0\0\0\0"
_OPCODES: Final = (
    b"()]}abcdeghijlopqrstuBCFGIJKLMNPQRSTUVX\x80\x81\x83\x85\x86\x87\x88\x8a"
)

#: Sizes and addresses that a model has no business with.
_ODD: Final = (0, -1, 1, 3, 7, 64, 2**16, 2**31 - 1, 2**31, 2**40, 2**62)


def zip_member(random: Random, data: bytes) -> bytes:
    """Mangle a member of a zip archive, its name, or the list of members."""
    members = _members(data)
    index = random.randrange(len(members))
    if random.random() < 0.4:  # members that say what the others mean
        small = [n for n, (_, body) in enumerate(members) if len(body) < 8000]
        index = random.choice(small or [index])
    name, body = members[index]
    what = random.randrange(8)
    if what == 0:
        del members[index]
    elif what == 1:
        members[index] = (
            random.choice(("", "../x", "x" * 9000, "\x1b[2J", name[:-1])),
            body,
        )
    elif what == 2:
        members[index] = name, members[random.randrange(len(members))][1]
    elif what == 3:  # the header of an array, or a number in a pickle's text
        members[index] = name, digits(random, body[:128]) + body[128:]
    elif what == 4 and name.endswith(".pkl"):
        at = random.randrange(len(body))
        members[index] = (
            name,
            body[:at] + bytes([random.choice(_OPCODES)]) + body[at + 1 :],
        )
    else:
        members[index] = name, any_raw(random, body)
    compression = random.choice((zipfile.ZIP_STORED,) * 3 + (zipfile.ZIP_DEFLATED,))
    return _zipped(members, compression)


def rezipped(data: bytes) -> bytes:
    """Return a zip archive with the same members, and no times."""
    return _zipped(_members(data), zipfile.ZIP_STORED)


def _members(data: bytes) -> list[tuple[str, bytes]]:
    with zipfile.ZipFile(io.BytesIO(data)) as opened:
        return [(name, opened.read(name)) for name in opened.namelist()]


def _zipped(members: list[tuple[str, bytes]], compression: int) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", compression) as written, catch_warnings():
        simplefilter("ignore")  # of names that come twice
        for name, body in members:
            written.writestr(zipfile.ZipInfo(name), body, compression)
    return buffer.getvalue()


def checkpoint(random: Random, data: bytes) -> bytes:
    """Mangle what a checkpoint says, or its bytes, under a digest that is right."""
    if random.random() < 0.15:
        body = any_raw(random, data[:-_DIGEST])
        return body + hashlib.sha256(body).digest()
    with TemporaryDirectory() as folder:
        path = Path(folder, "checkpoint")
        path.write_bytes(data)
        kept = archive.read(path)
        snapshot, arrays = kept.snapshot, {k: np.array(kept[k]) for k in kept}
        if random.random() < 0.8:
            snapshot = mangled(random, json.loads(snapshot))
        else:
            arrays = _arrays(random, arrays)
        archive.write(path, snapshot, arrays)
        return path.read_bytes()


def _arrays(
    random: Random, arrays: Mapping[str, NDArray[Any]]
) -> dict[str, NDArray[Any]]:
    changed = dict(arrays)
    name = random.choice([*changed])
    array = changed[name]
    what = random.randrange(9)
    if what == 0:
        del changed[name]
    elif what == 1:
        changed[random.choice(("best", "level_start", "optimizer.x", "\x1b[2J"))] = (
            array
        )
    elif what == 2:
        changed[name] = array.reshape(-1)[: random.choice((0, 1, array.size // 2))]
    elif what == 3:
        changed[name] = array[None]
    elif what == 4:
        kind = random.choice((np.float16, np.float64, np.uint8, np.int64, np.complex64))
        changed[name] = np.zeros(array.shape, kind)
    else:
        odd = random.choice((np.nan, np.inf, -1e38, 1e308, 0))
        with np.errstate(all="ignore"):
            changed[name] = np.full(array.shape, odd).astype(array.dtype)
    return changed


def record(random: Random, data: bytes) -> bytes:
    """Mangle the record in a PNG, under a CRC that is right."""
    chunks = png_chunks(data)
    index = next(n for n, (_, body) in enumerate(chunks) if body.startswith(_ITXT))
    tree = json.loads(chunks[index][1].removeprefix(_ITXT))
    chunks[index] = b"iTXt", _ITXT + mangled(random, tree).encode()
    return png_of(chunks)


def safetensors(random: Random, data: bytes) -> bytes:
    """Mangle a tensor of a safetensors file, or the header, whose length is right."""
    (length,) = struct.unpack_from("<Q", data)
    header = json.loads(data[8 : 8 + length])
    if random.random() < 0.3:
        entry = header[random.choice([name for name in header if name[0] != "_"])]
        start, end = (8 + length + at for at in entry["data_offsets"])
        kind = np.dtype(f"<f{int(entry['dtype'][1:]) // 8}")
        odd = random.choice((np.nan, np.inf, 3e38, -60_000, 0))
        with np.errstate(all="ignore"):
            values = np.full((end - start) // kind.itemsize, odd).astype(kind)
        return data[:start] + values.tobytes() + data[end:]
    text = mangled(random, header).encode()
    return struct.pack("<Q", len(text)) + text + data[8 + length :]


def onnx_model(random: Random, data: bytes) -> bytes:
    """Mangle metadata, nodes, shapes or external data of an ONNX model."""
    model = onnx.ModelProto.FromString(data)
    graph = model.graph
    what = random.randrange(9)
    if what <= 2 and model.metadata_props:
        entry = random.choice([*model.metadata_props])
        if random.random() < 0.2:
            model.metadata_props.remove(entry)
        else:
            entry.value = _metadata(random, entry.value)
    elif what == 3:
        node = random.choice([*graph.node])
        node.op_type = random.choice(("Relu", "Conv", "Loop", "\x1b[2J", "Reshape", ""))
    elif what == 4:
        node = random.choice([*graph.node])
        for attribute in node.attribute:
            attribute.i = random.choice(_ODD)
            attribute.ints[:] = [random.choice(_ODD) for _ in attribute.ints]
    elif what == 5 and graph.initializer:
        tensor = random.choice([*graph.initializer])
        tensor.dims[:] = [random.choice(_ODD) for _ in tensor.dims]
    elif what == 6 and any(t.external_data for t in graph.initializer):
        tensor = random.choice([t for t in graph.initializer if t.external_data])
        entry = random.choice([*tensor.external_data])
        places = ("/etc/passwd", "../x", "style.ppm", "\0", "", *map(str, _ODD))
        entry.value = random.choice(places)
    elif what == 7:
        values = [*graph.input, *graph.output]
        value = random.choice(values or [*graph.value_info])
        value.name = random.choice(("image", "gradient", "\x1b[2J", "", "x" * 90_000))
    else:
        version = random.choice(_ODD)
        model.ir_version = version
        model.opset_import[0].version = random.choice((version, 1, 99))
    return bytes(model.SerializeToString())


def _metadata(random: Random, value: str) -> str:
    layers = ("conv1_1", "conv9_9", "conv1_1,conv1_1", "", ",", "conv5_3,conv1_1")
    value = str(
        random.choice((hostile(random), *layers, value + ",conv4_2", "average"))
    )
    return value.encode("utf-8", "replace").decode()


def matlab(random: Random, data: bytes) -> bytes:
    """Mangle a compressed element of a MATLAB file from inside."""
    kind, length = struct.unpack_from("<II", data, 128)
    if kind != 15:
        return any_raw(random, data)
    body = any_raw(random, zlib.decompress(data[136 : 136 + length]))
    packed = zlib.compress(body)
    head = struct.pack("<II", 15, len(packed))
    return data[:128] + head + packed + data[136 + length :]


def mangled_weights(random: Random, data: bytes) -> bytes:
    """Mangle a file of weights, or a graph, as its format suggests."""
    if data.startswith(b"PK"):
        return zip_member(random, data)
    if data.startswith(b"MATLAB"):
        return matlab(random, data)
    if data[8:9] == b"{":
        return safetensors(random, data)
    if data.startswith(b"\x08"):
        return onnx_model(random, data)
    return any_raw(random, data)
