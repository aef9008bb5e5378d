"""PyTorch files made to run code, or to exhaust memory or time."""

import io
import pickle
import struct
import subprocess
import sys
import zipfile
from collections import OrderedDict
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from export.weights import read_weights
from tests.export.weights import writers
from tests.export.weights.refusals import NETWORK, STATE, Evil, refusal
from tests.export.weights.writers import (
    ORDERED_DICT,
    REBUILD,
    TINY,
    Built,
    Call,
    Dictionary,
    Global,
    Persistent,
    encoded,
    pickled,
    tensor,
)

FIRST = NETWORK.kernels["conv1_1"]

both_containers = pytest.mark.parametrize(
    "write", [writers.write_torch_zip, writers.write_torch_legacy]
)
Write = Callable[..., None]


@both_containers
@pytest.mark.parametrize("protocol", range(6))
def test_no_code_is_run(write: Write, protocol: int, tmp_path: Path) -> None:
    victim = tmp_path / "touched"
    program = pickle.dumps({"features.0.weight": Evil(victim)}, protocol)
    write(tmp_path / "vgg19.pth", STATE, program)
    refusal(tmp_path / "vgg19.pth")
    assert not victim.exists()


@both_containers
@pytest.mark.parametrize(
    ("module", "name"),
    [
        ("os", "system"),
        ("builtins", "eval"),
        ("torch", "load"),
        ("torch.storage", "_load_from_bytes"),
        ("torchvision.models.vgg", "VGG"),
        ("collections", "OrderedDict.fromkeys"),
        ("torch", "../FloatStorage"),
    ],
)
def test_names_that_no_state_dict_needs(
    write: Write, module: str, name: str, tmp_path: Path
) -> None:
    program = pickled(Dictionary({"x": Call(Global(module, name), ("true",))}))
    write(tmp_path / "vgg19.pth", STATE, program)
    line = refusal(tmp_path / "vgg19.pth")
    assert f"{module} {name}" in line
    assert "state_dict()" in line


def with_first(replacement: Any, legacy: bool) -> bytes:
    tensors = {
        k: tensor(v, f"94{i}" if legacy else f"{i}", legacy)
        for i, (k, v) in enumerate(STATE.items())
    }
    return pickled(Dictionary(tensors | {"features.0.weight": replacement}))


@both_containers
@pytest.mark.parametrize(
    "changes",
    [
        {"offset": 1},
        {"offset": -1},
        {"offset": 2**62},
        {"count": FIRST.size + 1},
        {"count": 2**62},
        {"count": 2**40, "offset": 2**40 - FIRST.size},
        {"count": -5},
        {"shape": (2**40, 2**40, 3, 3)},
        {"shape": (4, 3, 3, -3)},
        {"shape": (4, 3, 3)},
        {"shape": ("4", 3, 3, 3)},
        {"strides": (27, 9, 3, 2)},
        {"strides": (2**61, 9, 3, 1)},
        {"strides": (-27, 9, 3, 1)},
        {"strides": None},
        {"kind": "QUInt8Storage"},
        {"kind": "LongStorage"},
        {"kind": "DoubleStorage"},
    ],
)
def test_tensors_that_lie_about_their_storage(
    write: Write, changes: dict[str, Any], tmp_path: Path
) -> None:
    legacy = write is writers.write_torch_legacy
    key = "940" if legacy else "0"
    lie = tensor(FIRST, key, legacy, **changes)
    write(tmp_path / "vgg19.pth", STATE, with_first(lie, legacy))
    refusal(tmp_path / "vgg19.pth")


@both_containers
def test_views_of_a_storage_are_followed(write: Write, tmp_path: Path) -> None:
    legacy = write is writers.write_torch_legacy
    key = "940" if legacy else "0"
    shared = np.concatenate([np.full(5, np.nan, np.float32), FIRST.T.ravel()])
    view = tensor(
        shared, key, legacy, offset=5, shape=FIRST.shape, strides=(1, 4, 12, 36)
    )
    state = STATE | {"features.0.weight": shared}
    write(tmp_path / "vgg19.pth", state, with_first(view, legacy))
    weights = read_weights(tmp_path / "vgg19.pth", "caffe", TINY)
    np.testing.assert_array_equal(weights.kernels["conv1_1"], FIRST[:, ::-1])


@pytest.mark.parametrize(
    "value",
    [
        Persistent(("module", Global("torch", "FloatStorage"), "0", "cpu", 4)),
        Persistent(("storage", "FloatStorage", "0", "cpu", 4)),
        Persistent(
            ("storage", Global("torch", "FloatStorage"), "0", "cpu", 4, ("0", 1, 2))
        ),
        Call(REBUILD, (1, 2, 3, 4)),
        Call(REBUILD, ()),
        Call(Global("torch", "FloatStorage"), ()),
        Call(Global("torch.nn.parameter", "Parameter"), (3,)),
        Call(ORDERED_DICT, ("ab",)),
        {("a",): 1},
    ],
)
def test_programs_that_misuse_what_they_may(value: Any, tmp_path: Path) -> None:
    program = pickled(Dictionary({"x": value}))
    writers.write_torch_zip(tmp_path / "vgg19.pth", STATE, program)
    refusal(tmp_path / "vgg19.pth")


def lists_made_into_many_dictionaries() -> bytes:
    items = b"".join(encoded([f"{i}", 1]) for i in range(1500))
    pairs = b"]q\x00(" + items + b"e"
    again = encoded(ORDERED_DICT) + b"h\x00\x85R"
    return b"\x80\x02" + pairs + again * 1900 + b"."


#: A tuple of 2⁹⁰ leaves.
DOUBLED = b")" + b"q\x00h\x00\x86" * 90
EMPTY = encoded(ORDERED_DICT) + b")R"


@pytest.mark.parametrize(
    "program",
    [
        b"\x80\x02" + b"(" * 9000 + b"t" * 9000 + b".",
        b"\x80\x02" + b"]" * 9000 + b"a" * 8999 + b".",
        b"\x80\x02)" + b"q\x00h\x00\x86" * 6000 + b".",
        b"\x80\x02" + DOUBLED + b"q\x00)\x93.",
        b"\x80\x02" + DOUBLED + b"q\x00)R.",
        b"\x80\x02}" + DOUBLED + b"Ns.",
        b"\x80\x02" + EMPTY + DOUBLED + b"Ns.",
        b"\x80\x02})" + b"Nbq\x00h\x00\x86" * 90 + b"Ns.",
        b"\x80\x02})" + b"(eq\x00h\x00\x86" * 90 + b"Ns.",
        b"\x80\x02})" + b"(uq\x00h\x00\x86" * 90 + b"Ns.",
        b"\x80\x04})" + b"\x94h\x00\x86" * 90 + b"Ns.",
        b"\x80\x02})" + b"2\x86" * 90 + b"Ns.",
        b"\x80\x02})" + b"\x85" * 9000 + b"Ns.",
        b"\x80\x02" + (EMPTY + b"X\1\0\0\0a") * 4900 + b"N" + b"s" * 4900 + b".",
        b"\x80\x02}" + b"X\1\0\0\0a}" * 6600 + b"s" * 6600 + b".",
        b"\x80\x02]r\x00\x00\x00\x02.",
        b"\x80\x02]r\xff\xff\xff\x7f.",
        b"\x80\x02]r\xff\xff\xff\xff.",
        b"\x80\x04\x95" + b"\xff" * 7 + b"\x7f].",
        b"\x80\x04\x95" + b"\xff" * 8 + b"].",
        b"\x80\x05\x96" + b"\xff" * 4 + bytes(4) + b".",
        b"\x80\x04\x8e" + b"\xff" * 4 + bytes(4) + b".",
        b"\x80\x02\x82\x01.",
        b"\x80\xff].",
        b"\x80\x02" + b"N" * 30_000 + b".",
        b"\x80\x02X\xff\xff\xff\xffabc.",
        b"\x80\x02\x8d" + b"\xff" * 7 + b"\x7fabc.",
        b"\x80\x02\x8b\xff\xff\xff\x7f.",
        b"\x80\x02h\x07.",
        b"\x80\x02R.",
        b"\x80\x02e.",
        b"\x80\x02.",
        b"\x80\x02",
        b"\xff" * 100,
        lists_made_into_many_dictionaries(),
    ],
    ids=lambda program: f"{program[:12]!r}…{len(program)}",
)
@both_containers
@pytest.mark.usefixtures("_bounded")
def test_programs_made_to_exhaust_or_crash(
    write: Write, program: bytes, tmp_path: Path
) -> None:
    write(tmp_path / "vgg19.pth", STATE, program)
    refusal(tmp_path / "vgg19.pth")


def shared_first(legacy: bool, *instructions: bytes) -> bytes:
    """A state dict whose first tensor goes through `instructions`."""
    key = "940" if legacy else "0"
    rest = with_first(None, legacy)
    place = encoded("features.0.weight") + encoded(None)
    made = encoded(tensor(FIRST, key, legacy)) + b"".join(instructions)
    return rest.replace(place, encoded("features.0.weight") + made)


CHANGES = {"offset": 2**40, "shape": (2**40,), "name": "evil", "__new__": 1}


@both_containers
@pytest.mark.parametrize("state", [CHANGES, (None, CHANGES), (CHANGES, CHANGES)])
def test_a_checked_tensor_cannot_be_changed_afterwards(
    write: Write, state: Any, tmp_path: Path
) -> None:
    program = shared_first(write is writers.write_torch_legacy, encoded(state), b"b")
    write(tmp_path / "vgg19.pth", STATE, program)
    weights = read_weights(tmp_path / "vgg19.pth", "caffe", TINY)
    np.testing.assert_array_equal(weights.kernels["conv1_1"], FIRST[:, ::-1])


@pytest.mark.parametrize(
    "name",
    [
        ORDERED_DICT,
        REBUILD,
        Global("torch.nn.parameter", "Parameter"),
        Global("torch", "FloatStorage"),
    ],
)
@pytest.mark.parametrize("state", [CHANGES, (None, CHANGES), (CHANGES, CHANGES)])
def test_what_a_name_stands_for_cannot_be_changed(
    name: Global, state: Any, tmp_path: Path
) -> None:
    program = pickled(Dictionary({"x": Built(name, state)}))
    writers.write_torch_zip(tmp_path / "evil.pth", STATE, program)
    refusal(tmp_path / "evil.pth")
    writers.write_torch_zip(tmp_path / "vgg19.pth", STATE)
    weights = read_weights(tmp_path / "vgg19.pth", "caffe", TINY)
    np.testing.assert_array_equal(weights.kernels["conv1_1"], FIRST[:, ::-1])


class Saved:
    """An array that is pickled as PyTorch pickles a tensor."""

    def __init__(self, array: writers.Array, key: str) -> None:
        self.array, self.key = array, key

    def __reduce__(self) -> tuple[Any, ...]:
        strides = np.zeros(self.array.shape, "i1").strides
        arguments: Any = (self, 0, self.array.shape, strides, False, OrderedDict())
        return sys.modules["torch._utils"]._rebuild_tensor_v2, arguments


@pytest.mark.parametrize("protocol", range(2, 6))
@pytest.mark.parametrize("base", [pickle.Pickler, pickle._Pickler])
def test_programs_that_remember_as_python_s_picklers_do(
    protocol: int, base: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    kind = type("FloatStorage", (), {"__module__": "torch"})
    rebuild = type("_rebuild_tensor_v2", (), {"__module__": "torch._utils"})
    torch = SimpleNamespace(FloatStorage=kind)
    monkeypatch.setitem(sys.modules, "torch", torch)
    utils = SimpleNamespace(_rebuild_tensor_v2=rebuild)
    monkeypatch.setitem(sys.modules, "torch._utils", utils)

    class Pickler(base):  # type: ignore[misc]
        outer: Saved | None = None

        def persistent_id(self, item: Any) -> Any:
            # The first time a tensor is met it is itself, then it is its storage.
            if not isinstance(item, Saved) or self.outer is not item:
                self.outer = item if isinstance(item, Saved) else self.outer
                return None
            return ("storage", kind, item.key, "cpu", item.array.size)

    program = io.BytesIO()
    state = {name: Saved(a, str(i)) for i, (name, a) in enumerate(STATE.items())}
    Pickler(program, protocol).dump(OrderedDict(state))
    writers.write_torch_zip(tmp_path / "vgg19.pth", STATE, program.getvalue())
    weights = read_weights(tmp_path / "vgg19.pth", "caffe", TINY)
    np.testing.assert_array_equal(weights.kernels["conv1_1"], FIRST[:, ::-1])


def test_a_compressed_storage(tmp_path: Path) -> None:
    path = tmp_path / "vgg19.pth"
    writers.write_torch_zip(path, STATE, compression=zipfile.ZIP_DEFLATED)
    assert "is compressed" in refusal(path)


@pytest.mark.usefixtures("_bounded")
def test_a_pickle_that_unpacks_without_end(tmp_path: Path) -> None:
    path = tmp_path / "vgg19.pth"
    program = bytes(2**24)
    writers.write_torch_zip(path, {}, program, zipfile.ZIP_DEFLATED)
    assert "larger than 8388608 bytes" in refusal(path)


def test_a_zip_member_with_another_size_than_it_claims(tmp_path: Path) -> None:
    path = tmp_path / "vgg19.pth"
    writers.write_torch_zip(path, STATE)
    with zipfile.ZipFile(path) as archive:
        info = archive.getinfo("vgg19/data/0")
    content = bytearray(path.read_bytes())
    directory = content.rfind(b"vgg19/data/0") - 46
    claimed = struct.pack("<II", info.file_size + 4, info.file_size + 4)
    content[directory + 20 : directory + 28] = claimed
    path.write_bytes(content)
    assert "bytes, its tensors say" in refusal(path)


def test_reading_imports_no_framework(tmp_path: Path) -> None:
    writers.write_torch_zip(tmp_path / "vgg19.pth", STATE)
    program = (
        "import sys; from pathlib import Path; from export.weights import read_weights;"
        "from tests.export.weights.writers import TINY;"
        f"read_weights(Path({str(tmp_path / 'vgg19.pth')!r}), channels=TINY);"
        "sys.exit('torch' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", program], check=False).returncode == 0
