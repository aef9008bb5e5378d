from dataclasses import replace

import numpy as np
import pytest
from PIL import Image

from lightstyle import Model, Settings, images, stylize
from lightstyle.text import duration
from lightstyle.transfer.forecast import Forecast, forecast
from lightstyle.transfer.inputs import Inputs
from lightstyle.transfer.levels import Levels
from lightstyle.transfer.plans import Plans
from tests.support.networks import picture

SETTINGS = Settings(iterations=40, init="content")


def _forecast(
    model: Model, settings: Settings = SETTINGS, side: int = 256, done: int = 0
) -> Forecast:
    content = images.load(picture(side, side).transpose(1, 2, 0) / 255, role="content")
    inputs = Inputs.read(settings, (side, side), content, (content,))
    return forecast(model, Plans(model, {}), Levels(inputs), done)


def test_all_that_a_person_asks_is_told(model: Model) -> None:
    told = _forecast(model)
    table = told.table
    assert table["size"] == "256x256"
    assert table["levels"] == "128x128, 256x256, 256x256"
    assert table["iterations"] == "40 (13 + 7 + 20)"
    assert table["computed"] == "whole, history of 20"
    assert table["memory"].endswith(" GB")
    assert table["time"].startswith("about ")
    for word in ("256x256", "40 iterations", "3 levels", table["memory"]):
        assert word in str(told)


def test_more_work_takes_longer(model: Model) -> None:
    small = _forecast(model, side=128).seconds
    assert _forecast(model, side=1024).seconds > 4 * small
    many = replace(SETTINGS, iterations=400)
    assert _forecast(model, many).seconds > 4 * _forecast(model).seconds
    assert _forecast(model, many, done=390).seconds < _forecast(model, many).seconds / 2


def test_where_nothing_is_known_of_memory_none_is_told(
    model: Model, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(model, "costs", None)
    told = _forecast(model)
    assert "memory" not in told.table
    assert "GB" not in str(told)


def test_scipy_is_forecast_too(model: Model, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("lightstyle.transfer.speed_probe._SIDE", 48)
    assert np.isfinite(_forecast(model, replace(SETTINGS, optimizer="lbfgsb")).seconds)


@pytest.mark.parametrize(
    ("seconds", "words"),
    [(0.2, "1 s"), (40, "40 s"), (700, "12 min"), (12_060, "3 h 21 min")],
)
def test_durations_are_in_words(seconds: float, words: str) -> None:
    assert duration(seconds) == words


def test_the_forecast_knows_what_decoding_takes(model: Model) -> None:
    told: list[Forecast] = []

    def announce(forecast: Forecast) -> None:
        told.append(forecast)
        raise StopIteration

    big = Image.new("RGBA", (3000, 2500), (200, 100, 50, 128))
    with pytest.raises(StopIteration):
        stylize(
            big,
            Image.new("RGB", (64, 64)),
            model=model,
            settings=Settings(size=64, iterations=2),
            announce=announce,
        )
    assert told[0].memory == told[0].decoding > told[0].layout.memory
    assert f"{told[0].memory / 1e9:.2f} GB" in str(told[0])
