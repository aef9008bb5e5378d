import json
import math
from typing import Any

import pytest

from lightstyle.contract import CHANNELS, block
from lightstyle.errors import UsageError
from lightstyle.settings import Settings, format_layers, parse_layers, shares


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("conv1_1", {"conv1_1": 1.0}),
        ("conv1_1:0.5,conv2_1", {"conv1_1": 0.5, "conv2_1": 1.0}),
        (" conv1_1 , conv5_3:2e3 ", {"conv1_1": 1.0, "conv5_3": 2000.0}),
    ],
)
def test_layers_are_read_with_their_weights(
    text: str, expected: dict[str, float]
) -> None:
    assert parse_layers(text) == expected
    assert parse_layers(format_layers(parse_layers(text))) == expected


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("conv1_1,conv1_1:2", "conv1_1 is given twice"),
        ("conv1_1:much", "weight of layer conv1_1 is 'much'"),
    ],
)
def test_layers_that_cannot_be_read_are_refused(text: str, problem: str) -> None:
    with pytest.raises(UsageError, match=problem):
        parse_layers(text)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("size", 31),
        ("size", 512.0),
        ("size", True),
        ("iterations", 0),
        ("iterations", -5),
        ("seed", -1),
        ("content_weight", -1.0),
        ("style_weight", math.nan),
        ("style_weight", math.inf),
        ("tv_weight", "1"),
        ("style_scale", 0.0),
        ("style_scale", 101.0),
        ("init_noise", 1.01),
        ("init_noise", -0.1),
        ("init", ""),
        ("pooling", "min"),
        ("content_layers", {}),
        ("content_layers", {"conv6_1": 1.0}),
        ("style_layers", {"conv1_1": -1.0}),
        ("style_layers", {"conv1_1": math.nan}),
        ("style_layers", {"conv1_1": 0.0}),
    ],
)
def test_a_setting_out_of_its_range_is_refused_by_name(name: str, value: Any) -> None:
    with pytest.raises(UsageError, match=name.replace("_", "-")) as caught:
        Settings(**{name: value})
    assert "\n" not in str(caught.value)


def test_settings_are_plain_data() -> None:
    settings = Settings(style_layers={"conv1_1": 2.0})
    values = json.loads(json.dumps(settings.as_dict()))
    assert values["style_layers"] == "conv1_1:2"
    for name in ("content_layers", "style_layers"):
        values[name] = parse_layers(values[name])
    assert Settings(**values) == settings


def test_shares_sum_to_one_and_leave_out_layers_without_weight() -> None:
    found = shares({"conv1_1": 3.0, "conv2_1": 1.0, "conv3_1": 0.0})
    assert found == {"conv1_1": 0.75, "conv2_1": 0.25}


def test_style_layers_count_by_default_as_the_plain_squared_gram_errors_do() -> None:
    # Σ (G − A)² = 4 N² M² E, and M falls by four from block to block.
    found = shares(Settings().style_layers)
    plain = {layer: (CHANNELS[layer] / 4.0 ** block(layer)) ** 2 for layer in found}
    for layer in ("conv1_1", "conv2_1", "conv3_1"):
        ratio = plain[layer] / plain["conv4_1"]
        assert found[layer] / found["conv4_1"] == pytest.approx(ratio)


def test_layers_without_weights_count_the_same() -> None:
    layers = parse_layers("conv1_1,conv2_1,conv3_1,conv4_1,conv5_1")
    assert set(shares(layers).values()) == {0.2}
