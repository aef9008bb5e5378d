import math
import pickle

import pytest

from lightstyle import LayerWeights
from lightstyle.errors import UsageError


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("conv1_1", {"conv1_1": 1.0}),
        ("conv1_1:0.5,conv2_1", {"conv1_1": 0.5, "conv2_1": 1.0}),
        (" conv1_1 , conv5_3:2e3 ", {"conv1_1": 1.0, "conv5_3": 2000.0}),
        ("conv1_1:0.1,conv1_2:1e-7", {"conv1_1": 0.1, "conv1_2": 1e-7}),
    ],
)
def test_layers_are_read_with_their_weights_and_written_again(
    text: str, expected: dict[str, float]
) -> None:
    weights = LayerWeights.parse(text)
    assert dict(weights) == expected
    assert LayerWeights.parse(str(weights)) == weights


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("conv1_1,conv1_1:2", "conv1_1 is given twice"),
        ("conv1_1:much", "weight of layer conv1_1 is 'much'"),
        ("conv1_1:1:2", "weight of layer conv1_1 is '1:2'"),
        ("conv6_1", "layer conv6_1 is unknown"),
        ("conv1_1:-1", "at least 0"),
        ("conv1_1:nan", "at least 0"),
        ("conv1_1:inf", "at least 0"),
        ("conv1_1:0", "at least one with a weight"),
        ("", "at least one with a weight"),
    ],
)
def test_layers_that_make_no_loss_are_refused(text: str, problem: str) -> None:
    with pytest.raises(UsageError, match=problem) as caught:
        LayerWeights.parse(text)
    assert "\n" not in str(caught.value)


def test_shares_sum_to_one_and_leave_out_layers_without_weight() -> None:
    weights = LayerWeights({"conv2_1": 1, "conv1_1": 3, "conv3_1": 0})
    assert weights.shares() == {"conv1_1": 0.75, "conv2_1": 0.25}
    assert weights.used == ("conv1_1", "conv2_1")


def test_layers_without_weights_count_the_same() -> None:
    layers = LayerWeights.parse("conv1_1,conv2_1,conv3_1,conv4_1,conv5_1")
    assert set(layers.shares().values()) == {0.2}


def test_weights_are_values() -> None:
    weights = LayerWeights({"conv1_1": 1.0, "conv2_1": math.pi})
    assert pickle.loads(pickle.dumps(weights)) == weights
    assert hash(LayerWeights.parse(str(weights))) == hash(weights)
    assert weights == {"conv1_1": 1.0, "conv2_1": math.pi}
