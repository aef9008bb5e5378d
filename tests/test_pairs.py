import argparse
import json
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image
from scipy.ndimage import gaussian_filter

from lightstyle import Model
from lightstyle.errors import UsageError
from lightstyle.quality.features import Network
from tests.benchmarks import pair_cases, pair_pixels, pair_report, pairs
from tests.benchmarks.pair_cases import Pair, Variant
from tests.benchmarks.pair_measures import PairJudge
from tests.benchmarks.pair_pixels import ContentPixels, StylePixels
from tests.benchmarks.pair_results import Line, Results
from tests.support.networks import image

SIDE = 96


def _smooth(seed: int) -> NDArray[np.float32]:
    """Waves with a step through the middle, and nothing finer."""
    waves = gaussian_filter(image(SIDE, SIDE, seed).astype(np.float32), (3, 3, 0))
    waves[:, SIDE // 2 :] += 40
    smooth: NDArray[np.float32] = np.clip(waves, 0, 255)
    return smooth


def _noisy(image_hwc: NDArray[np.float32], share: float) -> NDArray[np.float32]:
    """Single pixels that are brighter, in that share of places."""
    hit = np.random.default_rng(0).random(image_hwc.shape[:2]) < share
    return image_hwc + 60 * hit[..., None].astype(np.float32)


def _measured(image_hwc: NDArray[np.float32], name: str) -> float:
    content, style = (
        ContentPixels.of(_smooth(1)),
        StylePixels.of(_noisy(_smooth(2), 0.02)),
    )
    value = pair_pixels.measure(image_hwc, content, style)[name]
    return float(np.mean(np.array(value)))


def _folder(path: Path, contents: int, styles: int, size: int = 48) -> Path:
    for name, count in (("content", contents), ("style", styles)):
        (path / name).mkdir(parents=True)
        for number in range(count):
            picture = image(size, size, number + 10 * (name == "style"))
            Image.fromarray(picture).save(path / name / f"{number:02}.png")
    return path


def _options(*arguments: str) -> argparse.Namespace:
    parser = argparse.ArgumentParser()
    pair_cases.add_options(parser)
    return parser.parse_args(arguments)


def _line(pair: str, variant: str, cfsd: float, settings: object = None) -> Line:
    content, style = pair.split("_")
    measures = dict.fromkeys(("cfsd", "lost", "lost_to_style", "unlike"), cfsd)
    measures["reached"] = 1 - cfsd
    made = {"size": 48, "settings": settings or {}}
    return Line(content, style, variant, "", made, 1.0, measures)


@pytest.mark.parametrize("count", [1, 4, 7, 12, 19, 24])
def test_pairs_are_spread_evenly_and_do_not_change_with_their_number(
    tmp_path: Path, count: int
) -> None:
    folder = _folder(tmp_path, 4, 6, size=2)
    chosen, everything = pair_cases.choose(folder, count), pair_cases.choose(folder)
    assert chosen == everything[:count]
    assert len({pair.name for pair in everything}) == 24
    for role, number in (("content", 4), ("style", 6)):
        counts = Counter(getattr(pair, role) for pair in chosen).values()
        taken = [*counts, *[0] * (number - len(counts))]
        assert max(taken) - min(taken) <= 1


def test_a_bright_border_is_found_and_not_looked_for_inside() -> None:
    plain = _smooth(1)
    bright = plain.copy()
    for edge in (np.s_[:8], np.s_[-8:], np.s_[:, :8], np.s_[:, -8:]):
        bright[edge] += 60
    before, after = (pair_pixels.border(each)["mean"] for each in (plain, bright))
    assert np.all(np.array(after) > np.array(before) + 0.1)
    within = pair_pixels.border(bright, pair_pixels.INSET)
    assert within == pair_pixels.border(plain, pair_pixels.INSET)


@pytest.mark.parametrize(("name", "factor"), [("deviation", 2), ("gradient", 4)])
def test_a_border_of_twice_the_contrast_is_found(name: str, factor: float) -> None:
    noise = np.random.default_rng(0).normal(0, 10, (SIDE * 3, SIDE * 3, 3))
    strong = noise.copy()
    inside = (slice(16, -16),) * 2
    strong *= 2
    strong[inside] = noise[inside]
    found = pair_pixels.border((128 + strong).astype(np.float32))
    assert found[name] == pytest.approx([factor] * 3, rel=0.1)
    assert found["mean"] == pytest.approx([1] * 3, rel=0.02)


def test_grain_and_speckle_grow_with_noise() -> None:
    for name in ("grain", "speckle"):
        found = [_measured(_noisy(_smooth(1), share), name) for share in (0, 0.02, 0.1)]
        assert found == sorted(found)
        assert found[1] > 3 * found[0]


def test_a_stroke_is_detail_and_no_speckle() -> None:
    drawn = _smooth(1)
    drawn[::12] += 60
    drawn[1::12] += 60
    assert _measured(drawn, "grain") > 5 * _measured(_smooth(1), "grain")
    assert _measured(drawn, "speckle") < 0.1 * _measured(drawn, "grain")


def test_grain_of_one_colour_is_seen_in_that_colour() -> None:
    clean, noisy = _smooth(1), _smooth(1)
    noisy[..., 2] = _noisy(clean, 0.1)[..., 2]
    content, style = ContentPixels.of(clean), StylePixels.of(clean)
    before, after = (
        np.array(pair_pixels.measure(each, content, style)["speckle"])
        for each in (clean, noisy)
    )
    assert [*after[:2]] == [*before[:2]]
    assert after[2] > 10 * before[2]


def test_blur_takes_the_edges_and_noise_does_not_stand_in_for_them() -> None:
    sharp = _smooth(1)
    blurred = gaussian_filter(sharp, (3, 3, 0))
    assert _measured(sharp, "edges") == pytest.approx(1, rel=1e-6)
    assert _measured(blurred, "edges") < 0.5
    assert _measured(blurred, "strokes") < _measured(sharp, "strokes")
    assert _measured(_noisy(blurred, 0.01), "edges") < 0.8


def test_the_measures_know_the_content_the_style_and_an_empty_picture(
    tmp_path: Path, tiny_model: Path
) -> None:
    folder = _folder(tmp_path, 1, 1, size=64)
    (pair,) = pair_cases.choose(folder)
    judge = PairJudge(Network.of(Model.load(tiny_model, "cpu", 1).info), 64)
    content, style = (image(64, 64, seed).astype(np.float32) for seed in (0, 10))
    kept = judge.measure(pair, content)
    for name in ("cfsd", "lost", "content_term", "unlike", "reached"):
        assert kept[name] == pytest.approx(0, abs=1e-6), name
    empty = np.full_like(content, content.mean(axis=(0, 1)))
    lost = judge.measure(pair, empty)
    assert (lost["lost"], lost["content_term"]) == pytest.approx((1, 1))
    there = judge.measure(pair, style)
    assert there["reached"] == pytest.approx(1, abs=1e-2)
    assert there["style_loss_closed"] == pytest.approx(1, abs=1e-6)
    assert there["lost_to_style"] == pytest.approx(1)
    dim = judge.measure(pair, 128 + (content - 128) / np.float32(4))
    assert dim["unlike"] < 0.5 * there["unlike"]
    half = judge.measure(pair, (content + style) / np.float32(2))
    assert 0 < half["lost"] < there["lost"]
    json.dumps(half)


def test_variants_come_from_the_options(tmp_path: Path) -> None:
    _folder(tmp_path, 1, 1, size=2)
    recipe = ["--variant", "recipe", "content-layers=conv4_1,conv4_2", "tv-weight=100"]
    vary = ["--vary", "style-weight=1e2,1e3", "--vary", "seed=1,2"]
    others = ["--others", str(tmp_path / "style"), str(tmp_path)]
    found = {v.name: v for v in pair_cases.variants(_options(*recipe, *vary, *others))}
    settings = found["recipe"].settings
    assert settings is not None
    assert settings.content_layers.used == ("conv4_1", "conv4_2")
    assert (settings.tv_weight, settings.size, settings.iterations) == (100, 256, 120)
    varied = found["style-weight 1e3 seed 2"]
    assert varied.curve == "style-weight seed 2"
    assert varied.settings is not None
    assert varied.settings.style_weight == 1e3
    assert (found["style"].folder, found["style"].curve) == (tmp_path / "style", "")
    assert found[f"{tmp_path.name} style"].curve == tmp_path.name
    assert Path(varied.slug).name == varied.slug == "style-weight-1e3-seed-2"


def test_two_variants_cannot_have_one_name() -> None:
    with pytest.raises(ValueError, match="two variants are called old"):
        pair_cases.variants(_options("--variant", "old", "seed=1"))
    with pytest.raises(UsageError, match="no setting"):
        pair_cases.variants(_options("--vary", "strengt=1"))


def test_results_survive_a_process_that_was_cut_off(tmp_path: Path) -> None:
    path = tmp_path / "results.jsonl"
    Results(path).add(_line("a_b", "old", 0.5))
    whole = path.read_text()
    path.write_text(whole + whole[:40])
    results = Results(path)
    assert len(results.lines) == 1
    results.add(_line("a_c", "old", 0.25))
    found = Results(path).of([Pair(Path("a.jpg"), Path("c.jpg"))])
    assert found["old"]["a_c"].measures["cfsd"] == 0.25
    assert len(Results(path).lines) == 2


def test_results_made_in_another_way_are_refused(tmp_path: Path) -> None:
    results = Results(tmp_path / "results.jsonl")
    results.add(_line("a_b", "old", 0.5, {"seed": 1, "gone": 2}))
    pair, variant = Pair(Path("a.jpg"), Path("b.jpg")), Variant("old")
    same = {"size": 48, "settings": {"seed": 1, "new": 3}}
    assert not results.missing(pair, variant, same)
    assert results.missing(pair, Variant("default"), same)
    with pytest.raises(ValueError, match="'old' of a_b with another seed"):
        results.missing(pair, variant, {"size": 48, "settings": {"seed": 2}})


def test_variants_are_compared_on_the_pairs_that_both_have() -> None:
    old = {name: _line(name, "old", cfsd) for name, cfsd in (("a_b", 0.5), ("a_c", 1))}
    own = {name: _line(name, "new", cfsd) for name, cfsd in (("a_b", 0.25), ("d_e", 9))}
    cells = pair_report.beside(own, old)
    assert cells[:3] == ["100 %", "2.00", "1.50"]


def test_the_spread_over_pairs_is_compared_with_the_old_one() -> None:
    old, own = (
        {f"a_{n}": _line(f"a_{n}", "", base**n) for n in range(11)} for base in (4, 2)
    )
    assert pair_report.beside(own, old)[3] == "256.00 (256.00)"


def test_a_second_run_paints_only_what_is_missing(
    tmp_path: Path, tiny_model: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    images, out = _folder(tmp_path / "images", 2, 2), tmp_path / "out"
    common = ["--images", str(images), "--out", str(out), "--model", str(tiny_model)]
    common += ["--size", "48", "--iterations", "1", "--threads", "1"]
    assert pairs.main([*common, "--pairs", "2", "--shard", "1/2"]) == 0
    captured = capsys.readouterr()
    assert "| old | 1 | " in captured.out
    kept = (out / "old" / "00_00.png").stat().st_mtime_ns
    vary = ["--vary", "style-weight=1,10"]
    assert pairs.main([*common, "--pairs", "2", *vary]) == 0
    captured = capsys.readouterr()
    assert (out / "old" / "00_00.png").stat().st_mtime_ns == kept
    for name in ("content", "old", "style-weight 1", "style-weight 10"):
        assert f"| {name} | 2 | " in captured.out
    assert pairs.main([*common, "--report"]) == 0
    assert capsys.readouterr().out == captured.out
    for name in ("balance.png", "likeness.png", "sheet.png"):
        with Image.open(out / name) as drawn:
            assert min(drawn.size) > 100
    (out / "results.jsonl").unlink()
    assert pairs.main([*common, "--pairs", "1"]) == 0
    assert (out / "old" / "00_00.png").stat().st_mtime_ns == kept
