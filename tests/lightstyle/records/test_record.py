import json
import math
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

import lightstyle
from lightstyle import Model, Progress, Result, Settings
from lightstyle.digest import sha256_of
from lightstyle.errors import ImageError
from lightstyle.images.loading import ImageSource
from lightstyle.records import in_picture
from lightstyle.records.record import Record
from tests.support.hostile import spoiled
from tests.support.picture_files import save_with_text

QUICK = Settings(size=48, iterations=4, seed=3)


def _stylize(
    model: Model, content: ImageSource = "content.png", **options: Any
) -> Result:
    given = {"settings": QUICK, **options}
    return lightstyle.stylize(content, "style.png", model=model, **given)


def test_it_says_all_that_made_the_picture(folder: Path, model: Model) -> None:
    result = _stylize(model, folder / "content.png")
    values = json.loads(str(result.record))
    assert values["lightstyle"] == lightstyle.__version__
    assert (values["job"], values["size"]) == ("stylize", [48, 32])
    assert values["settings"] == replace(QUICK, init="content").as_dict()
    assert values["inputs"]["style"] == {
        "name": "style.png",
        "sha256": sha256_of(folder / "style.png"),
    }
    assert values["model"]["name"] == "tiny"
    assert values["model"]["weights_sha256"] == model.info.weights_digest
    assert values["environment"]["device"] == "cpu"
    assert values["environment"]["threads"] == 1
    versions = values["environment"]["versions"]
    assert {"numpy", "scipy", "pillow", "onnxruntime", "python"} <= versions.keys()
    assert values["run"]["evaluations"] == 4
    assert values["run"]["loss"] == result.loss
    assert values["run"]["levels"] == [[48, 32, 4]]
    assert values["run"]["layouts"]["48x32"] == {
        "history": {"pairs": 20, "precision": "f4"},
        "strips": None,
    }
    assert str(folder) not in str(result.record)


@pytest.mark.parametrize("suffix", ["png", "tif", "jpg", "webp"])
def test_it_comes_back_from_the_file(folder: Path, model: Model, suffix: str) -> None:
    result = _stylize(model)
    result.save(f"out.{suffix}")
    assert Record.read(f"out.{suffix}").as_dict() == result.record.as_dict()
    result.save(f"out.{suffix}", metadata=False)
    with pytest.raises(ImageError, match=r"out\.\w+: this picture holds no record"):
        in_picture.load(f"out.{suffix}")


def test_jobs_with_one_picture_have_one(folder: Path, model: Model) -> None:
    content = lightstyle.reconstruct("content.png", model=model, settings=QUICK).record
    style = lightstyle.texture("style.png", (40, 48), model=model, settings=QUICK)
    assert (content.job, [*content.inputs]) == ("reconstruct", ["content"])
    assert (style.record.job, [*style.record.inputs]) == ("texture", ["style"])
    assert style.record.size == (40, 48)


def test_equal_runs_write_equal_files(folder: Path, model: Model) -> None:
    for name in ("a.png", "b.png"):
        _stylize(model).save(name)
    assert Path("a.png").read_bytes() == Path("b.png").read_bytes()


def test_a_picture_on_the_way_has_its_own_place_in_it(
    folder: Path, model: Model
) -> None:
    def save(progress: Progress) -> None:
        if progress.evaluation == 2:
            progress.save("two.png")
            progress.save("bare.png", metadata=False)

    result = _stylize(model, callback=save)
    two = Record.read("two.png")
    assert two.evaluations == 2
    assert two.settings.iterations == 4
    assert two.loss == min(losses.total for losses in result.history[:2])
    with pytest.raises(ImageError):
        Record.read("bare.png")


def test_other_pictures_are_known_by_name_which_no_word_is_taken_for(
    folder: Path, model: Model
) -> None:
    Path("content.png").rename("noise")
    path = str(folder / "noise")
    settings = replace(QUICK, init=path, color="match-style", colors_of=path)
    result = _stylize(model, "noise", settings=settings)
    result.save("out.png")
    found = Record.read("out.png")
    for name in ("init", "colors_of"):
        assert getattr(found.settings, name) == "./noise"
        assert found.inputs[name]["sha256"] == sha256_of(folder / "noise")
    assert str(folder) not in str(found)


@pytest.mark.parametrize(
    ("source", "digest"),
    [
        (lambda path: path.read_bytes(), True),
        (lambda path: np.asarray(Image.open(path)), False),
    ],
)
def test_pictures_that_are_no_files_have_no_name(
    folder: Path, model: Model, source: Callable[[Path], Any], digest: bool
) -> None:
    path = folder / "content.png"
    known = _stylize(model, source(path)).record.inputs["content"]
    assert known == {"name": None, "sha256": sha256_of(path) if digest else None}


@pytest.mark.parametrize(
    "text",
    [
        "",
        "prompt: a cat",
        "[1, 2",
        "[" * 100_000,
        "1" * 10_000,
        "null",
        "[]",
        '{"version": 3}',
        '{"lightstyle": 1}',
    ],
)
def test_what_is_not_ours_counts_as_nothing(folder: Path, text: str) -> None:
    with pytest.raises(ImageError, match=r"^text\.png: this picture holds no record"):
        in_picture.load(save_with_text("text.png", text))


DAMAGES: dict[str, Any] = {
    "schema": [None, 2, "1", []],
    "job": [None, 5],
    "size": [None, [1], "48x32", [1, math.inf], [None, 2]],
    "settings": [None, 5, [["size", 48]], {"size": "48"}, {"brush": 1}, {"size": 1}],
    "inputs": [None, {"content": 5}, [1]],
    "model": [None, "vgg19"],
    "environment": [None, 7],
    "run": [None, {}, {"layouts": {}}],
}


@pytest.mark.parametrize(
    ("key", "value"), [(key, value) for key in DAMAGES for value in DAMAGES[key]]
)
def test_what_was_tampered_with_is_one_line(
    folder: Path, model: Model, key: str, value: Any
) -> None:
    values = json.loads(str(_stylize(model).record))
    with pytest.raises(ImageError, match=r"^text\.png: ") as caught:
        Record.read(save_with_text("text.png", json.dumps({**values, key: value})))
    assert "\n" not in str(caught.value)
    del values[key]
    with pytest.raises(ImageError, match="damaged"):
        Record.parse(values, "a")


def test_settings_that_were_not_known_then_are_at_their_defaults(
    folder: Path, model: Model
) -> None:
    values = json.loads(str(_stylize(model).record))
    del values["settings"]["pyramid"]
    assert Record.parse(values, "a").settings.pyramid == Settings().pyramid


def test_whatever_stands_in_a_record_it_is_refused_in_one_short_line(
    folder: Path, model: Model
) -> None:
    settings = replace(QUICK, blend=(1.0,), init="style.png")
    values = json.loads(str(_stylize(model, settings=settings).record))
    refused = []
    for _, hostile in spoiled(values):
        try:
            Record.parse(hostile, "a.png")
        except ImageError as error:
            refused.append(str(error))
    assert len(refused) > 1000
    assert all(line.isprintable() for line in refused)
    assert max(map(len, refused)) < 1000


@pytest.mark.parametrize(
    ("place", "value", "problem"),
    [
        (
            "settings",
            {"iterations": 10**9},
            "iterations is 1000000000, expected",
        ),
        ("settings", {"size": 10**43}, "size is 1000"),
        ("settings", {"\x1b[2J": 1}, r"\?\[2J is no setting"),
        ("size", [10**7, 48], "size 0 is 10000000, expected a whole number"),
        ("brush", 1, "record has an unknown brush"),
        ("environment", {"a": [{}]}, r"record\.environment\.a is \[{}\], expected"),
    ],
)
def test_a_range_has_two_ends_and_a_key_must_be_known(
    folder: Path, model: Model, place: str, value: Any, problem: str
) -> None:
    values = json.loads(str(_stylize(model).record))
    if isinstance(value, dict):
        value = {**values[place], **value}
    with pytest.raises(ImageError, match=problem):
        Record.parse({**values, place: value}, "a.png")
