from collections.abc import Mapping
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from export.errors import ExportError
from export.reduce import Narrowed, narrow, pick
from lightstyle.contract import block

WIDE = {"conv1_1": 6, "conv1_2": 6, "conv2_1": 8}
BASIS = {"conv1_1": 3, "conv1_2": 4, "conv2_1": 4}
MEAN = np.array([120.0, 115.0, 100.0])

Array = NDArray[Any]
Network = tuple[dict[str, Array], dict[str, Array]]


def spanned_network(seed: int = 0) -> Network:
    """Each layer is spanned by its first channels: the others are multiples of them."""
    random = np.random.default_rng(seed)
    kernels, biases, inputs = {}, {}, 3
    for layer, width in WIDE.items():
        basis = BASIS[layer]
        kernel = random.normal(0, 1 / np.sqrt(9 * inputs), (basis, inputs, 3, 3))
        bias = random.normal(0, 1, basis)
        source = np.concatenate([np.arange(basis), np.arange(width - basis) % basis])
        # Below 1, so that the basis itself has the most energy and is picked.
        factor = np.where(np.arange(width) < basis, 1, random.uniform(0.2, 0.6, width))
        kernels[layer] = kernel[source] * factor[:, None, None, None]
        biases[layer] = bias[source] * factor
        inputs = width
    return kernels, biases


def forward(network: Network, mean: Array, picture: Array) -> dict[str, Array]:
    """Output of each layer after the ReLU, in float64, by shifts and sums."""
    x = (picture.astype(np.float64) - mean).transpose(2, 0, 1)
    outputs: dict[str, Array] = {}
    previous = "conv1_1"
    for layer, kernel in network[0].items():
        if block(layer) != block(previous):
            channels, height, width = x.shape
            x = x.reshape(channels, height // 2, 2, width // 2, 2).max((2, 4))
        height, width = x.shape[1:]
        padded = np.pad(x, ((0, 0), (1, 1), (1, 1)))
        y = network[1][layer][:, None, None] + sum(
            np.einsum(
                "oc,chw->ohw",
                kernel[:, :, i, j].astype(np.float64),
                padded[:, i : i + height, j : j + width],
            )
            for i in range(3)
            for j in range(3)
        )
        x, previous = np.maximum(y, 0), layer
        outputs[layer] = x
    return outputs


def pictures(count: int, side: int = 24) -> list[Array]:
    random = np.random.default_rng(7)
    return [random.uniform(0, 255, (side, side, 3)) for _ in range(count)]


def narrowed(
    network: Network,
    shown: list[Array],
    widths: Mapping[str, int] = BASIS,
    ridge: float = 1e-4,
) -> Narrowed:
    def features(picture: Array) -> dict[str, Array]:
        return forward(network, MEAN, picture)

    return narrow(features, *network, MEAN, widths, list(widths), shown, ridge=ridge)


def worst_error(network: Network, small: Narrowed, picture: Array) -> float:
    """Largest error of E z + e in any mapped layer, relative to its largest value."""
    wide = forward(network, MEAN, picture)
    z = forward((dict(small.kernels), dict(small.biases)), small.mean, picture)
    errors = []
    for layer, (matrix, offset) in small.maps.items():
        guess = np.tensordot(matrix, z[layer], 1) + offset[:, None, None]
        errors.append(np.abs(guess - wide[layer]).max() / np.abs(wide[layer]).max())
    return float(max(errors))


def test_channels_that_span_the_layer_give_it_exactly_as_the_ridge_vanishes() -> None:
    network = spanned_network()
    new_picture = pictures(7)[-1]
    errors = [
        worst_error(network, narrowed(network, pictures(6), ridge=ridge), new_picture)
        for ridge in (1e-2, 1e-5, 1e-12)
    ]
    assert errors[0] > errors[1] > errors[2]
    assert errors[2] < 1e-6


def test_the_order_of_the_pictures_does_not_matter() -> None:
    network, shown = spanned_network(), pictures(6)
    widths = {"conv1_1": 2, "conv1_2": 3, "conv2_1": 3}
    one = narrowed(network, shown, widths)
    other = narrowed(network, shown[::-1], widths)
    for layer in widths:
        for a, b in [
            (one.kernels[layer], other.kernels[layer]),
            (one.biases[layer], other.biases[layer]),
            *zip(one.maps[layer], other.maps[layer], strict=True),
        ]:
            np.testing.assert_allclose(a, b, rtol=0, atol=1e-9)


def test_sums_are_in_float64_whatever_the_features_are_in() -> None:
    network, shown = spanned_network(), pictures(6)
    narrow_ones = []
    for dtype in (np.float32, np.float64):

        def features(picture: Array, dtype: Any = dtype) -> dict[str, Array]:
            outputs = forward(network, MEAN, picture)
            return {k: v.astype(np.float32).astype(dtype) for k, v in outputs.items()}

        narrow_ones.append(narrow(features, *network, MEAN, BASIS, [], shown))
    single, double = narrow_ones
    for layer in BASIS:
        np.testing.assert_allclose(
            single.kernels[layer], double.kernels[layer], rtol=0, atol=1e-9
        )


def test_the_result_has_the_dtype_of_the_kernels() -> None:
    kernels, biases = spanned_network()
    single = {k: v.astype(np.float32) for k, v in kernels.items()}
    small = narrowed((single, biases), pictures(2))
    assert small.kernels["conv2_1"].dtype == np.float32
    assert small.maps["conv2_1"][0].dtype == np.float32


def test_a_glaring_picture_does_not_outweigh_many_faint_ones() -> None:
    kernel = np.zeros((2, 3, 3, 3))
    kernel[[0, 1], [0, 1], 1, 1] = 1  # channel 0 is red, channel 1 green
    network = ({"conv1_1": kernel}, {"conv1_1": np.zeros(2)})
    glaring, *faint = pictures(7)
    glaring = glaring * [1, 0, 0]
    faint = [picture * [0, 0.01, 0] for picture in faint]

    def features(picture: Array) -> dict[str, Array]:
        return forward(network, np.zeros(3), picture)

    shown = [glaring, *faint]
    small = narrow(features, *network, np.zeros(3), {"conv1_1": 1}, [], shown)
    np.testing.assert_allclose(
        small.kernels["conv1_1"][0, :, 1, 1], [0, 1, 0], atol=1e-3
    )


def test_shapes_are_those_of_the_widths() -> None:
    small = narrowed(spanned_network(), pictures(2))
    assert {k: v.shape for k, v in small.kernels.items()} == {
        "conv1_1": (3, 3, 3, 3),
        "conv1_2": (4, 3, 3, 3),
        "conv2_1": (4, 4, 3, 3),
    }
    assert {k: (E.shape, e.shape) for k, (E, e) in small.maps.items()} == {
        "conv1_1": ((6, 3), (6,)),
        "conv1_2": ((6, 4), (6,)),
        "conv2_1": ((8, 4), (8,)),
    }


def test_a_channel_that_others_explain_is_not_picked() -> None:
    random = np.random.default_rng(3)
    values = random.normal(5, 1, (3, 400))
    values = np.vstack([values[0] + values[1], values, np.full(400, 900.0)])
    with_one = np.vstack([values, np.ones(400)])
    kept = pick(with_one @ with_one.T, 3)
    assert 4 not in kept  # the constant explains a channel that never varies
    assert len({0, 1, 2} & set(kept)) == 2


def test_ties_are_decided_for_the_lower_index() -> None:
    moments = np.eye(5)
    moments[-1, -1] = 1
    assert pick(moments, 2) == [0, 1]


@pytest.mark.parametrize("width", [0, 7])
def test_a_width_that_a_layer_has_not_is_refused(width: int) -> None:
    with pytest.raises(ExportError, match=rf"conv1_1 cannot keep {width} channels"):
        narrowed(spanned_network(), pictures(1), {"conv1_1": width})
