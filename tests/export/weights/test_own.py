from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from export import build_model
from export.errors import WeightsError
from export.weights import Embedding, read_weights
from lightstyle import contract
from tests.export.weights.writers import write_safetensors
from tests.support.networks import tiny_weights


def test_the_weights_of_a_model_come_back_as_they_were(tiny_model: Path) -> None:
    found, expected = read_weights(contract.weights_path(tiny_model)), tiny_weights()
    assert (found.preprocessing, found.source) == ("caffe", "tiny")
    assert found.digest == expected.digest
    for name, value in expected.tensors().items():
        np.testing.assert_array_equal(found.tensors()[name], value)


def _changed(data: bytes) -> bytes:
    """Its last bias as NaN."""
    return data[:-4] + np.float32(np.nan).tobytes()


@pytest.mark.parametrize(
    ("damage", "problem"),
    [
        (lambda data: data[:-8], "does not fit"),
        (_changed, "NaN or infinite"),
        (lambda data: data.replace(b"conv1_2.bias", b"conv9_9.bias"), "damaged"),
        (lambda data: data.replace(b'"tiny"', b"123456"), "not text"),
        (
            lambda data: data.replace(b"conv2_2.weight", b"conv9_9.weight"),
            "conv2_2's kernel is missing",
        ),
    ],
)
def test_a_damaged_weights_file_is_refused(
    tmp_path: Path, damage: object, problem: str
) -> None:
    build_model(tiny_weights(), tmp_path / "m.onnx")
    path = contract.weights_path(tmp_path / "m.onnx")
    assert callable(damage)
    path.write_bytes(damage(path.read_bytes()))
    with pytest.raises(WeightsError, match=problem):
        read_weights(path)


def _own(folder: Path, tensors: Any, said: Any) -> Path:
    """A weights file with maps at conv1_1, of which some values are others."""
    network = tiny_weights()
    maps = Embedding(np.eye(64, 5, dtype=np.float32), np.zeros(64, np.float32))
    known = replace(network, embeddings={"conv1_1": maps}).tensors()
    metadata = {
        contract.META_SCHEMA: str(contract.SCHEMA),
        contract.META_SOURCE: network.source,
        contract.META_SOURCE_DIGEST: network.digest,
        contract.META_PREPROCESSING: network.preprocessing,
    }
    path = folder / "own.safetensors"
    write_safetensors(path, {**known, **tensors}, {**metadata, **said})
    return path


_EMPTY, _WIDE = (np.zeros((n, 3, 3, 3), np.float32) for n in (0, 65))


@pytest.mark.parametrize(
    ("tensors", "said", "problem"),
    [
        ({"mean": np.zeros(5, np.float32)}, {}, r"mean has shape \(5,\), expected \(3"),
        ({"mean": np.full(3, np.nan, np.float32)}, {}, "mean holds NaN"),
        ({"mean": np.full(3, 1e300)}, {}, "mean holds NaN or infinite"),
        ({"conv1_1.map": np.zeros((12, 5), np.float32)}, {}, "map has shape"),
        ({"conv1_1.map": np.full((64, 5), np.inf)}, {}, "map holds NaN"),
        ({"conv1_1.map": np.full((64, 5), 1e38)}, {}, "linear holds NaN"),
        ({"conv1_1.offset": np.zeros(3, np.float32)}, {}, "offset has shape"),
        ({"conv1_1.offset": np.full(64, 1e300)}, {}, "constant holds NaN"),
        ({"conv1_1.weight": _EMPTY}, {}, "conv1_1 has 0 channels"),
        ({"conv1_1.weight": _WIDE}, {}, "conv1_1 has 65 channels"),
        ({}, {contract.META_SOURCE: "x" * 1001}, "more than 1000 characters"),
        ({}, {contract.META_PREPROCESSING: "bgr"}, "'bgr', expected 'caffe'"),
    ],
)
def test_what_no_network_has_is_refused(
    tmp_path: Path, tensors: Any, said: Any, problem: str
) -> None:
    path = _own(tmp_path, tensors, said)
    with pytest.raises(WeightsError, match=problem):
        read_weights(path)


def test_maps_come_back_as_they_were(tmp_path: Path) -> None:
    found = read_weights(_own(tmp_path, {}, {})).embeddings["conv1_1"]
    np.testing.assert_array_equal(found.matrix, np.eye(64, 5))
