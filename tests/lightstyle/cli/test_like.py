"""What pictures say of how they were made, and pictures made like them."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

import lightstyle
from export import build_model
from lightstyle.engine.plan import HISTORIES, ExecutionPlan, Planner
from lightstyle.engine.strips import Tiling
from lightstyle.errors import ExitCode, ImageError, UsageError
from lightstyle.records.record import Record
from lightstyle.settings.settings import Settings
from lightstyle.zoo import registry
from lightstyle.zoo.registry import MODEL_VARIABLE
from tests.conftest import Runner
from tests.support.networks import tiny_weights

QUICK = ["--size", "48", "--iterations", "4"]
STYLIZE = ["stylize", "content.png", "style.png", *QUICK]


def test_every_picture_of_a_run_carries_its_settings(run: Runner, studio: Path) -> None:
    for command in (
        [*STYLIZE, "-o", "a.png", "--save-every", "2", "--seed", "7"],
        ["content", "content.png", "-o", "b.jpg", *QUICK],
        ["texture", "style.png", "-o", "c.tif", "--size=40x32", "--iterations=2"],
    ):
        assert run(*command).code == 0
    assert [Record.read(name).job for name in ("a.png", "b.jpg", "c.tif")] == [
        "stylize",
        "reconstruct",
        "texture",
    ]
    assert Record.read("a_0002.png").evaluations == 2
    assert Record.read("a_0004.png").settings.seed == 7


def test_the_demonstration_carries_its_settings(
    run: Runner, studio: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("lightstyle.cli.demo.DEMO", Settings(size=48, iterations=2))
    assert run("demo", "-o", "demo.webp").code == 0
    assert Record.read("demo.webp").model["name"] == "vgg19-lite"


def test_pictures_without_settings_can_be_had(run: Runner, studio: Path) -> None:
    options = ["-o", "a.png", "--save-every", "4", "--no-metadata"]
    assert run(*STYLIZE, *options).code == 0
    for name in ("a.png", "a_0004.png"):
        with pytest.raises(ImageError, match="holds no record"):
            Record.read(name)


# --like


def _repeat(run: Runner, *options: str, like: str = "a.png") -> list[str]:
    command = ["stylize", "content.png", "style.png", "--like", like]
    done = run(*command, "-o", "b.png", "--overwrite", *options)
    assert done.code == 0, done.lines
    return [line for line in done.lines if line.startswith("note: ")]


def _pixels(name: str) -> np.ndarray:
    with Image.open(name) as image:
        return np.asarray(image)


VARIED = [
    *("--size", "56", "--iterations", "15", "--style-weight", "3e3", "--seed", "5"),
    *("--init-noise", "0.2", "--content-layers", "conv4_2,conv5_2:2", "--tv-weight=1"),
]


@pytest.mark.parametrize(
    "options", [[], ["--pyramid=on", "--size=60"], ["--optimizer=lbfgsb"]]
)
def test_a_picture_comes_out_the_same_bit_for_bit(
    run: Runner, studio: Path, options: list[str]
) -> None:
    command = ["stylize", "content.png", "style.png", "-o", "a.png"]
    assert run(*command, *VARIED, *options).code == 0
    assert _repeat(run) == []
    assert Path("a.png").read_bytes() == Path("b.png").read_bytes()


def test_the_bundled_model_repeats_itself_bit_for_bit(
    run: Runner, studio: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv(MODEL_VARIABLE)
    command = ["stylize", "content.png", "style.png", "-o", "a.png"]
    assert run(*command, "--size=60", "--iterations=8").code == 0
    assert _repeat(run) == []
    assert Path("a.png").read_bytes() == Path("b.png").read_bytes()


def test_what_is_given_again_varies_the_picture(run: Runner, studio: Path) -> None:
    assert run(*STYLIZE, "-o", "a.png", "--style-weight=3e3").code == 0
    # A default counts, too, if it is said.
    _repeat(run, "--style-weight", "1e4", "--seed", "2")
    found = Record.read("b.png").settings
    assert (found.style_weight, found.seed, found.size) == (1e4, 2, 48)


def test_a_texture_takes_over_its_size(run: Runner, studio: Path) -> None:
    texture = ["texture", "style.png", "--iterations=2"]
    assert run(*texture, "-o", "a.png", "--size=40x48").code == 0
    assert run(*texture, "-o", "b.png", "--like=a.png").code == 0
    assert Path("a.png").read_bytes() == Path("b.png").read_bytes()
    done = run(*texture, "-o", "c.png")
    assert done.code == ExitCode.USAGE
    assert "--size" in done.lines[0]


def test_another_job_has_a_start_of_its_own(run: Runner, studio: Path) -> None:
    assert run(*STYLIZE, "-o", "a.png", "--style-weight=7").code == 0
    options = ["--like=a.png", "--size=40x32", "-o", "b.png"]
    assert run("texture", "style.png", *options).code == 0
    made = Record.read("b.png").settings
    assert (made.init, made.style_weight) == ("noise", 7)


def test_another_job_leaves_out_masks_that_it_has_no_use_for(
    run: Runner, studio: Path
) -> None:
    Image.new("L", (60, 40), 255).save("mask.png")
    assert run(*STYLIZE, "-o", "a.png", "--content-mask=mask.png").code == 0
    Path("mask.png").unlink()
    for command in (["texture", "style.png"], ["content", "content.png"]):
        done = run(*command, "--like=a.png", "-o", "b.png", "--overwrite")
        assert done.code == 0, done.lines
        assert not Record.read("b.png").settings.files


def _cut(*case: Any) -> ExecutionPlan:
    strips = dict.fromkeys(range(1, 6), 24)
    return ExecutionPlan(Tiling(strips, strips), [*HISTORIES][-1])


def test_the_layout_is_taken_over_and_needed_for_the_same_bits(
    run: Runner, studio: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    command = ["stylize", "content.png", "style.png", "--size=60", "--iterations=12"]
    assert run(*command, "-o", "whole.png").code == 0
    with monkeypatch.context() as patched:
        patched.setattr(Planner, "choose", _cut)
        assert run(*command, "-o", "a.png").code == 0
    assert (_pixels("a.png") != _pixels("whole.png")).any()
    assert _repeat(run) == []
    assert Path("a.png").read_bytes() == Path("b.png").read_bytes()


def test_a_layout_that_there_is_no_memory_for_is_told_of(
    run: Runner, studio: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert run(*STYLIZE, "-o", "a.png").code == 0
    less = ExecutionPlan(None, [*HISTORIES][-1])
    monkeypatch.setattr(Planner, "choose", lambda *case: less)
    monkeypatch.setattr(Planner, "repeat", lambda *case: None)
    assert any("not enough memory" in note for note in _repeat(run))


def test_other_weights_are_told_of(run: Runner, studio: Path) -> None:
    assert run(*STYLIZE, "-o", "a.png").code == 0
    build_model(tiny_weights(1), studio / "other.onnx")
    (note,) = _repeat(run, "--model", "other.onnx")
    assert note.startswith("note: a.png was made with tiny (")
    assert "this run uses other (" in note
    assert "--model chooses" in note
    assert _repeat(run, "--model", "other.onnx", "--quiet") == []


def test_the_model_is_taken_over_where_its_weights_are_here(
    run: Runner, studio: Path
) -> None:
    other = registry.cached("other")
    build_model(tiny_weights(1), other)
    assert run(*STYLIZE, "-o", "a.png", "--model", "other").code == 0
    assert _repeat(run) == []  # although LIGHTSTYLE_MODEL names another
    assert Record.read("b.png").model["name"] == "other"
    assert Path("a.png").read_bytes() == Path("b.png").read_bytes()
    batch = ["batch", "c*.png", "style.png", "--like=a.png", "-o", "out"]
    assert run(*batch).code == 0
    with Image.open("out/content.png") as image:
        np.testing.assert_array_equal(image, _pixels("a.png"))
    for path in other.parent.glob("other.*"):
        path.unlink()
    (note,) = _repeat(run)
    assert "a.png was made with other (" in note
    assert "this run uses tiny (" in note


def test_a_variant_is_taken_over_too(run: Runner, studio: Path) -> None:
    layers = ["--content-layers", "conv4_1"]
    assert run(*STYLIZE, "-o", "a.png", *layers).code == 0
    assert _repeat(run) == []
    assert Path("a.png").read_bytes() == Path("b.png").read_bytes()


@pytest.mark.parametrize("digest", ["", "a", "\ud800" * 64, "0" * 64])
def test_weights_that_are_unknown_are_found_nowhere(studio: Path, digest: str) -> None:
    assert registry.with_weights(digest) is None


def test_circumstances_that_change_bits_are_told_of_in_a_repetition_only(
    run: Runner, studio: Path
) -> None:
    assert run(*STYLIZE, "-o", "a.png", "--threads=1").code == 0
    notes = _repeat(run, "--threads", "2")
    assert notes == ["note: a.png was computed with threads 1 (now 2): bits may differ"]
    assert _repeat(run, "--threads", "2", "--seed", "1") == []


def test_a_picture_on_the_way_is_told_of(run: Runner, studio: Path) -> None:
    assert run(*STYLIZE, "-o", "a.png", "--save-every=2").code == 0
    notes = _repeat(run, like="a_0002.png")
    assert notes == [
        "note: a_0002.png was saved at iteration 2; this run may continue to 4"
    ]
    assert Path("a.png").read_bytes() == Path("b.png").read_bytes()


def test_a_changed_input_is_told_of(run: Runner, studio: Path) -> None:
    assert run(*STYLIZE, "-o", "a.png").code == 0
    Path("style.png").replace("content.png")
    Image.new("RGB", (50, 50), "red").save("style.png")
    assert _repeat(run) == [
        "note: content content.png has changed since a.png was made",
        "note: style style.png has changed since a.png was made",
    ]


def test_a_start_from_a_picture_must_be_there(run: Runner, studio: Path) -> None:
    Image.new("RGB", (50, 50), "red").save("start.png")
    assert run(*STYLIZE, "-o", "a.png", "--init", studio / "start.png").code == 0
    assert _repeat(run) == []
    Path("folder").mkdir()
    Path("start.png").rename("folder/start.png")
    done = run(*STYLIZE, "-o", "c.png", "--like", "a.png")
    assert done.code == ExitCode.USAGE
    assert "give its path with --init" in done.lines[0]
    assert _repeat(run, "--init", "folder/start.png") == []
    assert Path("a.png").read_bytes() == Path("b.png").read_bytes()


@pytest.mark.parametrize("name", ["content.png", "no.png"])
def test_a_picture_that_says_nothing_is_no_example(
    run: Runner, studio: Path, name: str
) -> None:
    done = run(*STYLIZE, "-o", "b.png", "--like", name)
    assert done.code == ExitCode.IMAGE
    assert len(done.lines) == 1
    assert not Path("b.png").exists()


def test_a_mask_in_memory_is_said_to_be_in_no_record(
    run: Runner, studio: Path, tiny_model: Path
) -> None:
    mask = np.full((40, 60), 255, np.uint8)
    settings = Settings(size=48, iterations=1, content_mask=(mask,))
    given = ("content.png", "style.png")
    model = lightstyle.load_model(tiny_model)
    lightstyle.stylize(*given, model=model, settings=settings).save("a.png")
    done = run("stylize", *given, "--like=a.png", "-o", "b.png")
    assert done.code == ExitCode.USAGE
    assert "a.png was made with an image in memory as content-mask" in done.lines[0]
    with pytest.raises(UsageError, match="in memory as content-mask"):
        lightstyle.stylize(*given, model=model, like=Record.read("a.png"))
    Image.fromarray(mask).save("mask.png")
    assert _repeat(run, "--content-mask=mask.png") == []


def test_from_python_another_job_has_a_start_of_its_own_too(
    run: Runner, studio: Path
) -> None:
    assert run(*STYLIZE, "-o", "a.png", "--style-weight=7").code == 0
    options = ["--like=a.png", "--size=40x32", "-o", "b.png"]
    assert run("texture", "style.png", *options).code == 0
    like = Record.read("a.png")
    made = lightstyle.texture("style.png", (40, 32), like=like)
    np.testing.assert_array_equal(made.to_array(), _pixels("b.png"))
    assert (made.settings.init, made.settings.style_weight) == ("noise", 7)
    assert made.record.model == like.model


def test_from_python_a_file_that_is_gone_is_said_to_be_the_records(
    run: Runner, studio: Path
) -> None:
    Image.new("RGB", (50, 50), "red").save("start.png")
    assert run(*STYLIZE, "-o", "a.png", "--init=start.png").code == 0
    Path("start.png").unlink()
    with pytest.raises(UsageError, match=r"was made with start\.png, which is not in"):
        lightstyle.stylize("content.png", "style.png", like=Record.read("a.png"))
