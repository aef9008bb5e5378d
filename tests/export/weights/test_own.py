from pathlib import Path

import numpy as np
import pytest

from export import build_model
from export.errors import WeightsError
from export.weights import read_weights
from lightstyle import contract
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
