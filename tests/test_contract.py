from pathlib import Path

from lightstyle import Model, contract
from lightstyle.engine.providers import HOST
from lightstyle.engine.session import Session

LAYERS = (
    ("conv3_1", "conv4_2", "conv5_2"),
    (
        "conv1_1",
        "conv2_1",
        "conv3_1",
        "conv4_1",
        "conv5_1",
    ),
)


def test_the_exporter_makes_what_the_run_time_feeds(tiny_model: Path) -> None:
    content, style = LAYERS
    evaluation = Session(tiny_model, HOST, 1)
    assert set(evaluation.inputs) == {
        contract.IMAGE,
        contract.TV_WEIGHT,
        *map(contract.content_target, content),
        *map(contract.content_weight, content),
        *map(contract.style_target, style),
        *map(contract.style_weight, style),
    }
    info = Model.load(tiny_model, "cpu").info
    assert (info.content_layers, info.style_layers) == LAYERS


def test_layers_lie_behind_their_poolings() -> None:
    assert [contract.block(layer) for layer in ("conv1_1", "conv3_4", "conv5_3")] == [
        1,
        3,
        5,
    ]
