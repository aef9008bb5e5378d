"""``--metadata`` decides what a result says of its photo."""

from pathlib import Path

import pytest
from PIL import ExifTags, Image
from PIL.ExifTags import Base

from lightstyle.errors import ExitCode, ImageError
from lightstyle.images.loading import load
from lightstyle.records import environment
from lightstyle.records.record import Record
from tests.conftest import Runner
from tests.support.folders import QUICK


@pytest.fixture
def photo(studio: Path) -> Path:
    data = Image.Exif()
    data[Base.Copyright], data[Base.Model] = "(c) Zoe", "Model 7"
    place = data.get_ifd(ExifTags.IFD.GPSInfo)
    place[1], place[2] = "N", (52.0, 31.0, 12.5)
    path = studio / "photo.jpg"
    with Image.open(studio / "content.png") as image:
        image.convert("RGB").save(path, exif=data, dpi=(300, 300))
    return path


@pytest.mark.parametrize(
    ("options", "copyright_", "place", "has_record"),
    [
        ([], "(c) Zoe", False, True),
        (["--metadata", "private"], "(c) Zoe", False, True),
        (["--metadata", "keep"], "(c) Zoe", True, True),
        (["--metadata", "none"], None, False, False),
        (["--no-metadata"], None, False, False),
        (["--no-metadata", "--metadata", "keep"], None, False, False),
    ],
)
@pytest.mark.parametrize("suffix", [".jpg", ".png", ".tif", ".webp"])
def test_what_is_asked_for_is_kept(
    run: Runner,
    photo: Path,
    suffix: str,
    options: list[str],
    copyright_: str | None,
    place: bool,
    has_record: bool,
) -> None:
    out = photo.with_name(f"out{suffix}")
    done = run("stylize", "photo.jpg", "style.png", "-o", out.name, *QUICK, *options)
    assert done.code == ExitCode.OK
    tags = load(out).photo
    assert tags.main.get(Base.Copyright) == copyright_
    assert bool(tags.place) == place
    assert (tags.dpi is not None and round(tags.dpi[0]) == 300) == bool(copyright_)
    if has_record:
        assert Record.read(out).settings.metadata == (options or ["", "private"])[1]
    else:
        with pytest.raises(ImageError, match="holds no record"):
            Record.read(out)


def test_a_preset_may_say_it(run: Runner, photo: Path) -> None:
    (photo.parent / "my.toml").write_text('metadata = "keep"\n')
    options = ["--config", "my.toml", *QUICK]
    done = run("stylize", "photo.jpg", "style.png", "-o", "out.jpg", *options)
    assert done.code == ExitCode.OK
    assert load(photo.with_name("out.jpg")).photo.place


def test_a_batch_keeps_it_too(run: Runner, photo: Path) -> None:
    (photo.parent / "photos").mkdir()
    photo.rename(photo.parent / "photos" / "photo.jpg")
    batch = ["batch", "photos", "style.png", "-o", "out", *QUICK]
    assert run(*batch).code == ExitCode.OK
    made = photo.parent / "out" / "photo.jpg"
    assert load(made).photo.main[Base.Copyright] == "(c) Zoe"
    assert not load(made).photo.place


def test_another_word_is_refused(run: Runner, photo: Path) -> None:
    done = run("stylize", "photo.jpg", "style.png", "--metadata", "all", *QUICK)
    assert done.code == ExitCode.USAGE
    assert "private, keep or none" in done.lines[-1]


def test_a_record_that_is_too_long_is_missed_aloud(
    run: Runner, studio: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(environment, "of_run", lambda _: {"cpu": "x" * 60_000})
    command = ("stylize", "content.png", "style.png", "-o", "out.png", *QUICK)
    (line,) = (each for each in run(*command).lines if "characters" in each)
    assert line.startswith("note: the record of how the picture was made has 61,")
    assert line.endswith("at most 60,000 fit: it is left out of the file")
    with pytest.raises(ImageError, match="no record"):
        Record.read(studio / "out.png")
    lines = run(*command, "--overwrite", "--metadata", "none").lines
    assert not any("characters" in line for line in lines)
