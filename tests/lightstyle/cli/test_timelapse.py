import tracemalloc
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from lightstyle.errors import ExitCode, OutputError
from lightstyle.files import Draft
from lightstyle.records.record import Record
from lightstyle.transfer.timelapse import _Film
from tests.conftest import Runner
from tests.support.networks import break_evaluation, picture
from tests.support.transfers import interrupt_commands

FILM = Path("film.webp")
STYLIZE = [
    *("stylize", "content.png", "style.png", "-o", "out.png"),
    *("--size", "48", "--iterations", "6", "--timelapse", str(FILM)),
]


def _frames(path: Path = FILM) -> list[tuple[np.ndarray, int]]:
    """Frames as RGB, and for how long each is shown."""
    with Image.open(path) as film:
        frames = []
        for number in range(getattr(film, "n_frames", 1)):
            film.seek(number)
            rgb = np.asarray(film.convert("RGB"), np.float32)
            frames.append((rgb, film.info["duration"]))
        return frames


@pytest.mark.parametrize(
    ("options", "count"),
    [([], 7), (["--save-every", "3"], 4), (["--pyramid=on", "--iterations=25"], 26)],
)
def test_a_film_has_the_steps_of_the_run_and_its_end(
    run: Runner, studio: Path, options: list[str], count: int
) -> None:
    assert run(*STYLIZE, *options).code == 0
    frames = _frames()
    assert len(frames) == count
    assert {rgb.shape for rgb, _ in frames} == {(32, 48, 3)}
    assert [shown for _, shown in frames] == [80] * (count - 1) + [3000]
    with Image.open("out.png") as result:
        distances = [np.abs(rgb - np.asarray(result)).mean() for rgb, _ in frames]
    assert distances[-1] < 8 < distances[0]


def test_a_film_repeats_and_says_what_made_it(run: Runner, studio: Path) -> None:
    done = run(*STYLIZE, "--log", "log.jsonl")
    assert done.code == 0
    assert done.lines[-1] == "wrote timelapse film.webp, log log.jsonl"
    with Image.open(FILM) as film:
        assert film.info["loop"] == 0
        assert film.info["icc_profile"]
    assert Record.read(FILM).as_dict() == Record.read("out.png").as_dict()
    assert run(*STYLIZE, "--overwrite", "--no-metadata").code == 0
    assert "no record of how it was made" in run("info", FILM).out
    assert len(_frames()) == 7


def test_a_film_hides_what_the_picture_hides(run: Runner, studio: Path) -> None:
    with Image.open("content.png") as content:
        alpha = Image.new("L", content.size, 255)
        alpha.paste(0, (0, 0, content.width // 2, content.height))
        clear = content.convert("RGB")
    clear.putalpha(alpha)
    clear.save("clear.png")
    command = ["clear.png" if word == "content.png" else word for word in STYLIZE]
    assert run(*command).code == 0
    with Image.open(FILM) as film, Image.open("out.png") as result:
        expected = np.asarray(result.getchannel("A"), np.float32)
        assert film.n_frames == 7  # type: ignore[attr-defined]
        for number in range(7):
            film.seek(number)
            assert film.mode == "RGBA"
            found = np.asarray(film.getchannel("A"), np.float32)
            np.testing.assert_allclose(found, expected, atol=2)
        np.testing.assert_allclose(  # the last is the result, where it is seen
            np.asarray(film)[expected == 255].mean(axis=0),
            np.asarray(result)[expected == 255].mean(axis=0),
            atol=3,
        )


def test_a_large_picture_has_a_smaller_film(tmp_path: Path) -> None:
    with Draft(tmp_path / "a.webp") as draft:
        film = _Film(draft, (4096, 1000))
        film.add(picture(100, 410).transpose(1, 2, 0), 80)
        film.end(None)
    assert [rgb.shape for rgb, _ in _frames(tmp_path / "a.webp")] == [(250, 1024, 3)]


def test_a_long_film_takes_no_more_memory_than_a_short_one(tmp_path: Path) -> None:
    image = picture(160, 160).transpose(1, 2, 0)

    def peak(frames: int) -> int:
        with Draft(tmp_path / "a.webp") as draft:
            film = _Film(draft, (160, 160))
            tracemalloc.start()
            for _ in range(frames):
                film.add(image, 80)
            _, most = tracemalloc.get_traced_memory()
            tracemalloc.stop()
            return most

    assert peak(2) > 0
    short = peak(2)
    assert peak(20) < 1.1 * short


def test_an_interrupted_run_keeps_its_film_and_goes_on_with_it(
    run: Runner, studio: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert run(*STYLIZE).code == 0
    whole = FILM.read_bytes()
    with monkeypatch.context() as patched:
        interrupt_commands(patched, 3)
        done = run(*STYLIZE, "--overwrite", "--checkpoint", "auto")
    assert done.code == ExitCode.INTERRUPTED
    assert len(_frames()) == 4
    assert run("resume", "out.png.checkpoint").code == 0
    assert FILM.read_bytes() == whole


def test_a_resumed_run_does_not_go_on_with_another_film(
    run: Runner, studio: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patched:
        interrupt_commands(patched, 3)
        run(*STYLIZE, "--checkpoint", "auto")
    Image.new("RGB", (20, 30)).save(
        FILM, save_all=True, append_images=[Image.new("RGB", (20, 30), "red")]
    )
    assert run("resume", "out.png.checkpoint").code == 0
    assert len(_frames()) == 4


def test_a_run_without_a_picture_leaves_no_film(
    run: Runner, studio: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = set(studio.iterdir())
    break_evaluation(monkeypatch, 1)
    assert run(*STYLIZE, "--quiet").code == ExitCode.TRANSFER
    assert set(studio.iterdir()) == before


@pytest.mark.parametrize("method", ["write", "publish"])
def test_a_film_that_fails_does_not_lose_the_picture(
    run: Runner, studio: Path, monkeypatch: pytest.MonkeyPatch, method: str
) -> None:
    whole = getattr(Draft, method)

    def full(draft: Draft, *arguments: object) -> None:
        if draft._path == FILM:
            raise OutputError("cannot write film.webp: No space left on device")
        whole(draft, *arguments)

    monkeypatch.setattr(Draft, method, full)
    done = run(*STYLIZE)
    assert done.code == ExitCode.OUTPUT
    errors = [line for line in done.lines if line.startswith("error: ")]
    assert errors == ["error: cannot write film.webp: No space left on device"]
    assert Record.read("out.png").evaluations == 6
    assert not list(studio.glob("*.webp")) + list(studio.glob(".lightstyle*"))


@pytest.mark.parametrize(
    ("name", "code", "problem"),
    [
        ("film.gif", ExitCode.USAGE, "must be .webp"),
        ("no/film.webp", ExitCode.OUTPUT, "no folder"),
        ("old.webp", ExitCode.OUTPUT, "exists"),
        ("same.webp", ExitCode.USAGE, "this file already"),
    ],
)
def test_where_no_film_can_be_written_is_found_early(
    run: Runner, studio: Path, name: str, code: ExitCode, problem: str
) -> None:
    Path("old.webp").write_bytes(b"old")
    done = run(*STYLIZE[:4], "same.webp", "--timelapse", name)
    assert done.code == code
    assert len(done.lines) == 1
    assert problem in done.lines[0]
