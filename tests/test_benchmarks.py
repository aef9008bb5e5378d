import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from lightstyle import Model, contract
from lightstyle.engine.providers import HOST
from tests.benchmarks import gpu, ours
from tests.benchmarks.chart import Curve, Panel, log_ticks, save_chart, ticks
from tests.benchmarks.contest import Contender, contest
from tests.benchmarks.crossing import best_until, first_reaching
from tests.benchmarks.frames import append_frame, read_frame
from tests.benchmarks.race import judged, row
from tests.benchmarks.task import (
    CONTENT_WEIGHT,
    SETTINGS,
    STYLE_WEIGHT,
    Scene,
    Task,
    load_scene,
    save_scene,
    term_weights,
)
from tests.benchmarks.track import Track, crossing
from tests.support.networks import picture


def _falling(asked: list[int]) -> Callable[[int], float]:
    """Loss 100 − call, noting which calls were judged."""

    def loss_of(call: int) -> float:
        asked.append(call)
        return 100.0 - call

    return loss_of


@pytest.mark.parametrize(
    ("target", "call"), [(99, 1), (75, 25), (74.5, 26), (70, 30), (60, 40), (59, None)]
)
def test_the_first_call_that_reached_a_loss_is_found(
    target: float, call: int | None
) -> None:
    asked: list[int] = []
    assert first_reaching(target, (10, 20, 30, 40), _falling(asked)) == call
    assert len(asked) <= 8


def test_the_best_until_a_call_is_the_first_of_equals() -> None:
    losses = {30: 1.0, 10: 5.0, 20: 3.0, 25: 3.0}
    assert best_until(29, losses) == (20, 3.0)
    with pytest.raises(ValueError, match="no call until 9"):
        best_until(9, losses)


def test_a_crossing_counts_the_seconds_of_both() -> None:
    peer = Track("peer", 9.0, [2.0] * 4, {2: 5.0, 4: 6.0})
    run = Track("run", 9.0, [1.0] * 4, {2: 7.0, 4: 4.0})
    found = crossing(4, peer, run, {1: 8, 2: 7, 3: 5, 4: 4}.__getitem__)
    assert (found.best, found.loss, found.peer_seconds) == (2, 5.0, 4.0)
    assert (found.evaluations, found.seconds) == (3, 3.0)
    assert row("noise", "run", found, count=False).endswith("3 | 3.0 | 0.67 | 1.33 |")
    assert row("noise", "run", found, count=True).endswith("3 | — | 0.67 | — |")
    never = crossing(4, peer, Track("run", 9.0, [1.0], {1: 8.0}), lambda _: 8.0)
    assert "not reached" in row("noise", "run", never, count=False)


def test_a_track_survives_json() -> None:
    track = Track("run", 3.0, [0.5, 0.25], {2: 1.5}, "converged")
    assert Track.of_record(json.loads(json.dumps(track.as_record()))) == track
    assert track.curve(count=False).points == [(0, 3.0), (0.75, 1.5)]
    assert track.curve(count=True).points == [(0, 3.0), (2, 1.5)]


def test_disturbed_turns_count_for_little_more_than_the_median() -> None:
    track = Track("run", 9.0, [5.0, 1.0, 1.0, 20.0, 1.0])
    assert track.quiet == [5.0, 1.0, 1.0, 1.5, 1.0]
    assert track.until(4) == 8.5


def test_pictures_are_judged_now_and_then_and_where_asked() -> None:
    assert judged([5, 12], 4) == [4, 5, 8, 12]


def test_frames_keep_clipped_pictures(tmp_path: Path) -> None:
    path, pictures = tmp_path / "frames", [picture(6, 5, k)[None] for k in range(3)]
    pictures[1] *= 2
    for pixels in pictures:
        append_frame(path, pixels)
    for number, pixels in enumerate(pictures, 1):
        frame = read_frame(path, number, pixels.shape)
        np.testing.assert_allclose(frame, np.clip(pixels, 0, 255), atol=0.002)


def test_ticks_are_round_numbers_within_the_range() -> None:
    assert ticks(0, 23) == [0, 5, 10, 15, 20]
    assert log_ticks(3, 60) == [5, 10, 20, 50]


def test_a_chart_has_a_line_of_each_colour(tmp_path: Path) -> None:
    curves = [Curve("ours", [(0, 100), (4, 9)]), Curve("theirs", [(0, 100), (9, 9)])]
    save_chart(tmp_path / "chart.png", [Panel("noise", curves), Panel("empty", [])])
    with Image.open(tmp_path / "chart.png") as image:
        pixels = np.asarray(image).reshape(-1, 3)
    for colour in ((0x1F, 0x6F, 0xB4), (0xD9, 0x66, 0x2B)):
        assert (pixels == colour).all(axis=1).any()


@pytest.fixture
def task(tiny_model: Path, tmp_path: Path) -> Task:
    scene = Scene(*(picture(40, 48, seed)[None] for seed in range(3)))
    save_scene(tmp_path / "scene", scene)
    ours.save_targets(tiny_model, scene, tmp_path / "targets")
    return Task(
        name="ours",
        side="lightstyle",
        network=str(tiny_model),
        scene=str(tmp_path / "scene"),
        targets=str(tmp_path / "targets"),
        threads=1,
    )


def test_the_benchmarks_have_the_loss_of_the_package(task: Task) -> None:
    scene = load_scene(task.scene)
    loss, gradient = ours.evaluator(task)()
    objective = ours.objective(Model.load(task.network, "cpu", 1), scene)
    expected, slope = objective(scene.start.astype(np.float64).ravel())
    assert loss == pytest.approx(expected.total, rel=1e-6)
    assert np.linalg.norm(gradient.ravel() - slope) <= 1e-5 * np.linalg.norm(slope)


def test_weights_are_those_of_the_settings() -> None:
    weights = term_weights(256, 256)
    assert weights[contract.content_loss("conv5_2")] == 4 * CONTENT_WEIGHT
    styles = [weights[contract.style_loss(layer)] for layer in SETTINGS.style_layers]
    assert sum(styles) == pytest.approx(STYLE_WEIGHT)


def test_a_contender_takes_turns_in_a_process_of_its_own(
    task: Task, tmp_path: Path
) -> None:
    (found,) = contest([task], 1, tmp_path)
    assert len(found.reports) == 2
    assert found.reports[0]["memory"] > 1e7
    assert np.load(tmp_path / "0.npy").shape == (1, 3, 40, 48)


def test_a_contender_that_fails_says_why(task: Task) -> None:
    broken = Task(name="broken", side="lightstyle", network="no", scene="no", threads=1)
    with Contender(broken) as contender:
        contender.turn()
    assert contender.reports == []
    assert contender.failed.startswith("FileNotFoundError")


def test_nodes_are_counted_by_provider(task: Task, tmp_path: Path) -> None:
    model = Model.load(task.network, "cpu", 1)
    feeds = ours.target_and_weight_feeds(task, model)
    feeds[contract.IMAGE] = load_scene(task.scene).start
    counts = gpu.placement(Path(task.network), HOST, feeds, tmp_path)
    assert counts[HOST.ort_name] > 50
    assert counts["Memcpy"] == 0
