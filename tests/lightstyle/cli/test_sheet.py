from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from lightstyle import Settings
from lightstyle.cli.progress import StopSignal
from lightstyle.errors import ExitCode
from lightstyle.jobs.sheet import Cell, Sheet, cells, default_axis
from lightstyle.jobs.vary import Axis, axes
from lightstyle.settings.settings import STYLE_WEIGHT
from tests.conftest import Runner
from tests.support.folders import QUICK
from tests.support.networks import break_evaluation

SHEET = ["sheet", "content.png", "style.png", "-o", "sheet.png", *QUICK]
WEIGHTS, LAYERS = ("1e2", "1e4"), ("conv4_2", "conv5_2")


def _pixels(path: str | Path) -> NDArray[np.uint8]:
    with Image.open(path) as image:
        return np.asarray(image)


def _places(count: int, columns: int, size: tuple[int, int]) -> list[tuple[int, int]]:
    """Left and top of each of `count` cells of one size."""
    made = [Cell(Settings(), "a 1\nb 2")] * count
    layout = Sheet(made, columns, [size] * count)
    return [layout.place(number) for number in range(count)]


@pytest.mark.parametrize("workers", [1, 2])
def test_every_cell_is_the_run_with_its_settings(
    run: Runner, studio: Path, workers: int
) -> None:
    vary = [f"--vary=style-weight={','.join(WEIGHTS)}"]
    vary += [f"--vary=content-layers={','.join(LAYERS)}"]
    options = [*QUICK, "--model", "vgg19-lite"]
    done = run(*SHEET, *options, *vary, "--workers", workers)
    assert done.code == ExitCode.OK
    assert "4 of 4 pictures" in done.lines[-1]
    sheet = _pixels("sheet.png")
    places = iter(_places(4, 2, (48, 32)))
    threads = ["--threads", 2 // workers, "--overwrite", "--quiet"]
    for layers in LAYERS:
        for weight in WEIGHTS:
            chosen = ["--style-weight", weight, "--content-layers", layers]
            alone = ["stylize", "content.png", "style.png", "-o", "alone.png"]
            assert run(*alone, *options, *chosen, *threads).code == 0
            left, top = next(places)
            cell = sheet[top : top + 32, left : left + 48]
            assert np.array_equal(cell, _pixels("alone.png"))


def test_without_vary_the_strength_of_the_style_varies(
    run: Runner, studio: Path
) -> None:
    done = run(*SHEET)
    assert done.code == ExitCode.OK
    assert [line.split()[1:3] for line in done.lines[:4]] == [
        ["strength", f"{strength}:"] for strength in (0.25, 0.5, 0.75, 1)
    ]
    sheet = _pixels("sheet.png")
    places = _places(4, 4, (48, 32))
    shown = [sheet[top : top + 32, left : left + 48] for left, top in places]
    assert all(cell.std() > 10 for cell in shown)
    assert np.any(shown[0] != shown[-1])


@pytest.mark.parametrize("given", [{"style_weight": 5}, {"content_weight": 6}])
def test_if_a_weight_is_given_the_default_axis_spans_decades_around_the_styles(
    given: dict[str, float],
) -> None:
    settings = Settings(**given)  # type: ignore[arg-type]
    made = cells(settings, [default_axis(settings)])
    weights = [cell.settings.style_weight for cell in made]
    usual = given.get("style_weight", STYLE_WEIGHT)
    assert weights == pytest.approx([usual / 100, usual / 10, usual, 10 * usual])
    assert all(cell.settings.strength is None for cell in made)


def test_a_setting_that_varies_replaces_what_it_excludes() -> None:
    (weak, strong) = cells(Settings(style_weight=5), axes(["strength=0.2,0.8"]))
    assert (weak.settings.dial, strong.settings.dial) == (0.2, 0.8)
    (cell,) = cells(Settings(strength=0.2), axes(["style-weight=5;"]))
    assert cell.settings.dial is None


def test_a_cell_that_fails_stays_empty(
    run: Runner, studio: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    break_evaluation(monkeypatch, 5)  # each cell takes 3
    done = run(*SHEET, "--vary", "style-weight=1e4,1e5")
    assert done.code == ExitCode.SOME_FAILED
    assert done.lines[-1] == "error: 1 of 2 pictures failed"
    assert any("style-weight 1e5: failed" in line for line in done.lines)
    sheet = _pixels("sheet.png")
    (left, top), (_, empty) = _places(2, 2, (48, 32))
    assert sheet[top : top + 32, left : left + 48].std() > 10
    left, top = _places(2, 2, (48, 32))[1]
    assert (sheet[top : top + 32, left : left + 48] == 224).all()
    assert empty == top


def test_a_sheet_of_which_nothing_could_be_made_is_not_written(
    run: Runner, studio: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    break_evaluation(monkeypatch, 2)
    done = run(*SHEET, "--vary", "style-weight=1e4")
    assert done.code == ExitCode.SOME_FAILED
    assert not Path("sheet.png").exists()


def test_what_there_is_when_a_signal_comes_is_on_the_sheet(
    run: Runner, studio: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[int] = []

    def came(signal: StopSignal) -> bool:
        asked.append(1)
        return len(asked) > 6  # in the second cell

    monkeypatch.setattr(StopSignal, "came", property(came))
    done = run(*SHEET, "--vary", "seed=1,2,3")
    assert done.code == ExitCode.INTERRUPTED
    assert "1 of 3 pictures" in done.lines[-1]
    assert Path("sheet.png").exists()


def test_transparency_stays(run: Runner, studio: Path) -> None:
    with Image.open("content.png") as image:
        clear = image.convert("RGBA")
    clear.putalpha(Image.linear_gradient("L").resize(clear.size))
    clear.save("content.png")
    assert run(*SHEET, "--vary", "seed=1,2").code == 0
    sheet = _pixels("sheet.png")
    left, top = _places(1, 1, (48, 32))[0]
    assert sheet.shape[2] == 4
    assert np.ptp(sheet[top : top + 32, left : left + 48, 3]) > 200
    assert (sheet[-5:, :, 3] == 255).all()


@pytest.mark.parametrize(
    ("text", "values"),
    [
        ("style-weight=1e2, 1e3", [100.0, 1000.0]),
        ("style-weight=1e2,", [100.0]),
        ("seed=1;2", [1, 2]),
        ("enlarge=true,false", [True, False]),
        ("color=style,content-chroma", ["style", "content-chroma"]),
        ("blend=3,1;1,1", [(3.0, 1.0), (1.0, 1.0)]),
        ("style-scale=1,0.5;", [(1.0, 0.5)]),
        ("style_scale=1,0.5", [1.0, 0.5]),
        ("style-mask=a.png,all;b.png,all", [("a.png", "all"), ("b.png", "all")]),
        ("regions=a.png,b.png;", [("a.png", "b.png")]),
    ],
)
def test_values_are_separated_by_semicolons_if_there_are_some(
    text: str, values: list[object]
) -> None:
    assert [*Axis.parse(text).values.values()] == values


def test_every_setting_can_vary() -> None:
    texts = {**Settings().as_dict(), "blend": "3,1", "init": "noise"}
    texts |= {"colors_of": "a.png", "regions": "a,b", "outside": "blend"}
    texts |= {"content_mask": "a,b", "style_mask": "a,b", "protect": "a.png"}
    texts |= {"strength": 0.5, "content_weight": 1, "style_weight": 1, "tv_weight": 1}
    for name, value in texts.items():
        assert len(Axis.parse(f"{name}={value};").values) == 1


def test_layers_are_one_value_each_or_lists_with_semicolons() -> None:
    one = Axis.parse("content-layers=conv4_2,conv5_2").values
    assert [layers.used for layers in one.values()] == [("conv4_2",), ("conv5_2",)]
    some = Axis.parse("content-layers=conv4_2,conv5_2;conv5_2").values
    used = [layers.used for layers in some.values()]
    assert used == [("conv4_2", "conv5_2"), ("conv5_2",)]


def test_the_first_setting_varies_along_a_row() -> None:
    made = cells(Settings(), axes(["seed=1,2", "size=64,96"]))
    found = [(cell.settings.seed, cell.settings.size) for cell in made]
    assert found == [(1, 64), (2, 64), (1, 96), (2, 96)]
    assert made[1].label == "seed 2\nsize 64"


def test_labels_are_below_their_cells_and_no_wider() -> None:
    names = ",".join(f"conv{n}_1" for n in range(1, 6))
    made = [Cell(Settings(), f"style-layers {names}"), Cell(Settings(), "x" * 99)]
    layout = Sheet(made, 2, [(200, 100)] * 2)
    levels_hwc, alpha_hw = layout.drawn({})
    assert alpha_hw is None
    assert levels_hwc.shape[1::-1] == layout.size
    ink = np.flatnonzero((levels_hwc < 128).any(axis=(0, 2)))
    for number in range(2):
        left, top = layout.place(number)
        inside = ink[(ink >= left) & (ink < left + 200)]
        assert len(inside) > 50
        assert not (levels_hwc[: top + 100] < 128).any()
    (first, _), (second, _) = layout.place(0), layout.place(1)
    assert not ((ink >= first + 200) & (ink < second)).any()
    assert ink.max() < second + 200
