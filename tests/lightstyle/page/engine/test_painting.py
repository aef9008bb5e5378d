"""The engine paints in Chromium what Python paints."""

import io
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

import lightstyle
from lightstyle import Model, Settings
from lightstyle.records.record import Record
from tests.support.engine import PLAIN, Painter

pytestmark = pytest.mark.browser

#: Quick, and with given weights, so that no search decides them.
QUICK = {"size": 64, "iterations": 12, "style_weight": 1000.0, "tv_weight": 0.01}

#: How close losses of the first evaluations are; later ones part by rounding.
CLOSE = 1e-4


def _losses(found: dict[str, Any]) -> list[float]:
    assert "problem" not in found, found["problem"]
    return [each["loss"] for each in found["progress"]]


def _expected(painter: Painter, model: Path, settings: Settings, **more: Any) -> Any:
    losses: list[float] = []
    result = lightstyle.stylize(
        painter.files / "content.png",
        painter.files / "style.png",
        model=Model.load(model, "cpu", threads=1),
        settings=settings,
        callback=lambda progress: losses.append(progress.losses.total),
        **more,
    )
    return losses, result


@pytest.mark.parametrize(
    "changed",
    [
        {},
        {"pyramid": "off", "style_scale": 0.7},
        {"content_layers": "conv4_2:1", "style_layers": "conv1_1:1,conv3_1:2"},
        {"init": "style"},
        {"color": "content-chroma"},
    ],
    ids=str,
)
def test_the_first_losses_are_pythons(
    changed: dict[str, Any], tiny: Painter, tiny_model: Path
) -> None:
    settings = QUICK | changed
    found = tiny.paint("content.png", "style.png", settings=settings)
    expected, _ = _expected(tiny, tiny_model, Settings.from_dict(settings))
    assert _losses(found)[:5] == pytest.approx(expected[:5], rel=CLOSE)
    assert len(found["progress"]) == 12


def test_several_styles_are_blended(tiny: Painter, tiny_model: Path) -> None:
    settings = QUICK | {"blend": [3, 1]}
    pictures = "content.png", "style.png", "content.png"
    found = tiny.paint(*pictures, settings=settings)
    expected: list[float] = []
    content, *styles = (tiny.files / name for name in pictures)
    lightstyle.stylize(
        content,
        styles,
        model=Model.load(tiny_model, "cpu", threads=1),
        settings=Settings.from_dict(settings),
        callback=lambda progress: expected.append(progress.losses.total),
    )
    assert _losses(found)[:5] == pytest.approx(expected[:5], rel=CLOSE)


def test_the_record_is_read_and_repeated(
    tiny: Painter, tiny_model: Path, tmp_path: Path, run: Any
) -> None:
    settings = QUICK | {"blend": [3, 1], "iterations": 3}
    found = tiny.paint("content.png", "style.png", "content.png", settings=settings)
    path = tmp_path / "made.png"
    path.write_bytes(found["png"])
    record = Record.read(path)
    assert record.settings == Settings.from_dict(settings | {"init": "content"})
    assert (record.evaluations, record.size) == (3, (64, 51))
    assert record.loss == min(_losses(found))
    assert record.inputs["style 2"] == record.inputs["content"]
    about = run("info", path)
    assert "on wasm" in about.out
    pictures = [tiny.files / f"{name}.png" for name in ("content", "style", "content")]
    options = "--like", path, "--model", tiny_model, "--quiet", "-o"
    done = run("stylize", *pictures, *options, tmp_path / "again.png")
    assert done.code == 0, done.err
    again = Record.read(tmp_path / "again.png")
    assert again.settings == record.settings
    assert again.layouts.items() >= record.layouts.items()


def test_a_picture_has_no_record_if_none_is_wanted(tiny: Painter) -> None:
    settings = QUICK | {"iterations": 1, "metadata": "none"}
    found = tiny.paint("content.png", "style.png", settings=settings)
    assert Image.open(io.BytesIO(found["png"])).info == {"srgb": 0}


def test_alpha_of_the_content_is_that_of_the_picture(
    tiny: Painter, tiny_model: Path
) -> None:
    image = Image.open(tiny.files / "content.png").convert("RGBA")
    ramp = np.linspace(0, 255, image.width * image.height).astype(np.uint8)
    image.putalpha(Image.fromarray(ramp.reshape(image.height, image.width)))
    image.save(tiny.files / "clear.png")
    settings = QUICK | {"iterations": 2}
    found = tiny.paint("clear.png", "style.png", settings=settings)
    result = lightstyle.stylize(
        tiny.files / "clear.png",
        tiny.files / "style.png",
        model=Model.load(tiny_model, "cpu"),
        settings=Settings.from_dict(settings),
    )
    made = np.asarray(Image.open(io.BytesIO(found["png"])), float)
    right = np.asarray(Image.open(io.BytesIO(result.to_bytes(".png"))), float)
    assert np.abs(made - right).max() <= 1


def test_a_run_goes_on_from_its_saved_state(tiny: Painter) -> None:
    settings = QUICK | {"size": 160, "enlarge": True, "iterations": 30}
    whole = tiny.paint("content.png", "style.png", settings=settings)
    first = tiny.paint(
        "content.png", "style.png", settings=settings, cancel=17, keep=True
    )
    assert first["outcome"]["cancelled"]
    rest = tiny.paint(
        "content.png", "style.png", settings=settings, saved=first["states"] - 1
    )
    losses, done = _losses(rest), len(_losses(whole)) - len(_losses(rest))
    assert done > 0
    assert losses == pytest.approx(_losses(whole)[done:], rel=1e-6)
    assert rest["progress"][0]["evaluation"] == done + 1
    assert rest["png"][-2000:] == whole["png"][-2000:]


def test_a_device_proposes_a_number_of_evaluations_that_a_run_then_keeps(
    tiny: Painter, tmp_path: Path
) -> None:
    settings = {name: QUICK[name] for name in QUICK if name != "iterations"}
    tiny.propose(wasm=4, webgpu=6)
    first = tiny.paint("content.png", "style.png", settings=settings, keep=True)
    tiny.propose(wasm=9)
    rest = tiny.paint("content.png", "style.png", settings=settings, saved=0)
    tiny.propose()
    assert len(_losses(first)) == 4
    assert rest["progress"][0]["evaluation"] == 2
    for found in (first, rest):
        assert found["progress"][-1]["evaluation"] == 4
        (tmp_path / "made.png").write_bytes(found["png"])
        record = Record.read(tmp_path / "made.png")
        assert (record.settings.iterations, record.evaluations) == (4, 4)


def test_cancelled_it_gives_the_best_picture(tiny: Painter) -> None:
    settings = QUICK | {"iterations": 5000}
    found = tiny.paint("content.png", "style.png", settings=settings, cancel=5)
    assert len(found["progress"]) < 100
    assert found["outcome"]["cancelled"]
    assert Image.open(io.BytesIO(found["png"])).size == (64, 51)
    assert found["previews"] >= 1


def test_cancelled_before_the_first_evaluation_there_is_no_picture(
    tiny: Painter,
) -> None:
    script = "({ control }) => control.abort()"
    settings = {"size": 64, "iterations": 50}
    found = tiny.paint("content.png", "style.png", settings=settings, script=script)
    assert found["outcome"]["cancelled"]
    assert "png" not in found


def test_a_closed_engine_ends_what_it_does(tiny: Painter) -> None:
    script = "({ engine }) => { window.engine = engine; }"
    settings = QUICK | {"iterations": 5000}
    tiny.begin("content.png", "style.png", settings=settings, script=script)
    tiny.reach(2)
    tiny.page.evaluate("window.engine.close()")
    problem = {"code": "closed", "message": "the engine was closed"}
    assert tiny.end()["problem"] == problem


def test_a_strength_finds_weights_near_pythons(
    tiny: Painter, tiny_model: Path, tmp_path: Path
) -> None:
    settings = {"size": 128, "enlarge": True, "iterations": 40, "strength": 0.4}
    found = tiny.paint("content.png", "style.png", settings=settings)
    path = tmp_path / "made.png"
    path.write_bytes(found["png"])
    balance = Record.read(path).balance
    assert balance is not None
    _, result = _expected(tiny, tiny_model, Settings.from_dict(settings))
    right = result.record.balance
    # The search goes by pictures that part by rounding: 1e-5 of a level changes 4 %.
    assert balance.style == pytest.approx(right.style, rel=0.2)
    assert balance.tv == pytest.approx(right.tv, rel=0.2)
    assert found["progress"][-1]["levels"] == len(result.record.levels)


@pytest.mark.parametrize(
    ("settings", "code", "said"),
    [
        ({"style_loss": "match"}, "settings", "too slow here"),
        ({"protect": "x.png"}, "settings", "Masks"),
        ({"style_layers": "conv2_2:1"}, "settings", "conv2_2 is no style layer"),
        (
            {"content_weight": 0, "style_weight": 0, "tv_weight": 0},
            "settings",
            "all weights are 0",
        ),
        ({"style_weight": 1e38, "content_weight": 1e38}, "numeric", "not a finite"),
    ],
    ids=str,
)
def test_what_cannot_be_done_is_said_in_a_sentence(
    settings: dict[str, Any], code: str, said: str, tiny: Painter
) -> None:
    found = tiny.paint("content.png", "style.png", settings=QUICK | settings)
    assert found["problem"]["code"] == code
    assert said in found["problem"]["message"]


def test_a_model_that_is_not_there_is_said_in_a_sentence(tiny: Painter) -> None:
    lacking = Painter(tiny.page, tiny.files, "none.onnx")
    found = lacking.paint("content.png", "style.png", settings=QUICK)
    assert found["problem"]["code"] == "model"
    assert "cannot be loaded: the server answers 404" in found["problem"]["message"]


def test_threads_change_nothing_but_the_time(tiny: Painter) -> None:
    one, two = (
        tiny.paint("content.png", "style.png", settings=QUICK, threads=threads)
        for threads in (1, 2)
    )
    assert two["about"]["threads"] == 2
    assert _losses(two)[:5] == pytest.approx(_losses(one)[:5], rel=CLOSE)


def test_a_page_that_is_not_isolated_has_one_thread(tiny: Painter) -> None:
    address = tiny.page.url
    tiny.page.goto(address.replace("isolated.html", PLAIN))
    found = tiny.paint("content.png", "style.png", settings=QUICK, threads=None)
    tiny.page.goto(address)
    assert found["about"]["threads"] == 1
    assert len(_losses(found)) == 12
