import json
import math
import pickle
from typing import Any

import numpy as np
import pytest

from lightstyle.contract import CHANNELS, block
from lightstyle.errors import UsageError
from lightstyle.settings.layers import LayerWeights
from lightstyle.settings.settings import Settings


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
        ("style_scale", (1.0, 0.0)),
        ("style_scale", "1,2"),
        ("style_scale", ()),
        ("blend", (1.0, -1.0)),
        ("blend", (0.0, 0.0)),
        ("blend", ()),
        ("blend", (True, 1.0)),
        ("blend", 0.5j),
        ("init_noise", 1.01),
        ("init_noise", -0.1),
        ("init", ""),
        ("pooling", "min"),
        ("optimizer", "adam"),
        ("pyramid", "maybe"),
        ("color", "sepia"),
        ("colors_of", ""),
        ("colors_of", "palette.png"),
        ("content_layers", {"conv1_1": 1.0}),
        ("style_layers", ["conv1_1"]),
        ("style_layers", ""),
        ("enlarge", 1),
        ("content_mask", "mask.png"),
        ("content_mask", ("mask.png", "")),
        ("regions", ("a.png",)),
    ],
)
def test_a_setting_out_of_its_range_is_refused_by_name(name: str, value: Any) -> None:
    with pytest.raises(UsageError, match=name.replace("_", "-")) as caught:
        Settings(**{name: value})
    assert "\n" not in str(caught.value)


def test_settings_are_plain_data() -> None:
    settings = Settings(style_layers=LayerWeights({"conv1_1": 2.0}), blend=(3.0, 1.0))
    values = json.loads(json.dumps(settings.as_dict()))
    assert values["style_layers"] == "conv1_1:2"
    assert values == settings.as_dict()
    assert Settings.from_dict(values) == settings


def test_settings_are_values_that_hash_and_pickle() -> None:
    settings = Settings(style_weight=3.0, style_scale=[1, 0.5], blend=[3, 1])
    again = pickle.loads(pickle.dumps(settings))
    assert again == settings
    assert len({settings, again, Settings()}) == 2


def test_style_layers_count_by_default_as_the_plain_squared_gram_errors_do() -> None:
    # Σ (G − A)² = 4 N² M² E, and M falls by four from block to block.
    found = Settings().style_layers.shares()
    plain = {layer: (CHANNELS[layer] / 4.0 ** block(layer)) ** 2 for layer in found}
    for layer in ("conv1_1", "conv2_1", "conv3_1"):
        ratio = plain[layer] / plain["conv4_1"]
        assert found[layer] / found["conv4_1"] == pytest.approx(ratio)


def test_a_refused_array_is_told_on_one_line() -> None:
    array: Any = np.zeros((9, 9))
    with pytest.raises(UsageError, match=r"^seed is array") as caught:
        Settings(seed=array)
    assert "\n" not in str(caught.value)
