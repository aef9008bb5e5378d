from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

import lightstyle
from lightstyle import Model, Settings
from lightstyle.images.loading import Styles
from lightstyle.optimize import minimize as optimize
from lightstyle.optimize.minimize import Status
from lightstyle.records.expected import ExpectedResult
from tests.support.folders import draw

SETTINGS = Settings(
    size=48,
    iterations=3,
    blend=(3, 1),
    style_scale=(1, 1.5),
    init="content.png",
    color="match-style",
    colors_of="style.png",
)
GIVEN: Mapping[str, Styles] = {
    "content": Path("content.png"),
    "style": ("style.png", "style2.png"),
}
OUT = Path("out.png")


@pytest.fixture
def model(tiny_model: Path) -> Model:
    return Model.load(tiny_model, "cpu", 1)


@pytest.fixture
def wanted(
    tmp_path: Path, model: Model, monkeypatch: pytest.MonkeyPatch
) -> ExpectedResult:
    monkeypatch.chdir(tmp_path)
    for seed, name in enumerate(("content", "style", "style2")):
        draw(Path(f"{name}.png"), seed)
    return ExpectedResult("stylize", GIVEN, SETTINGS, model.info.weights_digest, 8)


def _make(model: Model, path: Path = OUT, bits: int = 8, **more: Any) -> None:
    given: dict[str, Any] = dict(GIVEN)
    lightstyle.stylize(**given, model=model, settings=SETTINGS, **more).save(path, bits)


@pytest.mark.parametrize(
    ("suffix", "bits"),
    [(".png", 8), (".jpg", 8), (".webp", 8), (".tif", 8), (".png", 16), (".tif", 16)],
)
def test_what_a_run_made_is_known_in_every_format(
    wanted: ExpectedResult, model: Model, suffix: str, bits: int
) -> None:
    path = OUT.with_suffix(suffix)
    _make(model, path, bits)
    assert replace(wanted, bits=bits).missing(path) == ""
    assert f"has {bits} bits" in replace(wanted, bits=24 - bits).missing(path)


def test_it_is_known_by_contents_and_not_by_names(
    wanted: ExpectedResult, model: Model
) -> None:
    _make(model)
    Path("elsewhere").mkdir()
    moved = Path("content.png").rename("elsewhere/moved.png")
    given = {**GIVEN, "content": moved}
    settings = replace(SETTINGS, init="elsewhere/content.png")
    Path(settings.init or "").write_bytes(moved.read_bytes())
    assert replace(wanted, given=given, settings=settings).missing(OUT) == ""


@pytest.mark.parametrize("changed", ["content.png", "style2.png", "style.png"])
def test_other_pictures_are_noticed(
    wanted: ExpectedResult, model: Model, changed: str
) -> None:
    _make(model)
    draw(Path(changed), 9)
    assert "other pictures" in wanted.missing(OUT)


def test_fewer_styles_and_another_model_are_noticed(
    wanted: ExpectedResult, model: Model
) -> None:
    _make(model)
    fewer = {**GIVEN, "style": "style.png"}
    assert "other pictures" in replace(wanted, given=fewer).missing(OUT)
    assert "another model" in replace(wanted, weights="0" * 64).missing(OUT)


def test_a_run_that_was_stopped_has_not_finished(
    wanted: ExpectedResult, model: Model
) -> None:
    def stop(progress: lightstyle.Progress) -> None:
        if progress.evaluation == 2:
            raise StopIteration

    _make(model, callback=stop)
    assert wanted.missing(OUT) == "was stopped at iteration 2"


def test_a_run_that_converged_has_finished(
    wanted: ExpectedResult, model: Model, monkeypatch: pytest.MonkeyPatch
) -> None:
    minimize = optimize.minimize

    def converges(objective: Any, method: Any, budget: int, state: Any) -> Any:
        outcome = yield from minimize(objective, method, budget - 1, state)
        return replace(outcome, status=Status.CONVERGED)

    monkeypatch.setattr("lightstyle.transfer.run.minimize", converges)
    _make(model)
    assert wanted.missing(OUT) == ""


@pytest.mark.parametrize("kept", [0, 100, 0.5])
def test_a_damaged_file_is_not_finished(
    wanted: ExpectedResult, model: Model, kept: float
) -> None:
    _make(model)
    data = OUT.read_bytes()
    OUT.write_bytes(data[: int(kept * len(data)) if kept < 1 else -int(kept)])
    assert "is not known to be finished" in wanted.missing(OUT)


def test_a_picture_of_another_program_is_not_finished(wanted: ExpectedResult) -> None:
    draw(OUT, 0)
    assert "holds no record of how it was made" in wanted.missing(OUT)
