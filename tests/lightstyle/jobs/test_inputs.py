import json
import os
from pathlib import Path

import pytest

from lightstyle.errors import ExitCode, ImageError, UsageError
from lightstyle.jobs import failures
from lightstyle.jobs.failures import Failure
from lightstyle.jobs.inputs import BatchInputs, InputFile
from tests.support.locks import locked


@pytest.fixture
def photos(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    for name in ("a.jpg", "b.PNG", "notes.txt", ".hidden.png", "in/c.tif", ".d/e.png"):
        path = Path("photos", name)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
    return Path("photos")


def _names(inputs: BatchInputs) -> list[str]:
    return [each.path.as_posix() for each in inputs.find()]


@pytest.mark.parametrize(
    ("given", "found"),
    [
        ("photos", ["photos/a.jpg", "photos/b.PNG", "photos/in/c.tif"]),
        ("photos/", ["photos/a.jpg", "photos/b.PNG", "photos/in/c.tif"]),
        ("photos/*.jpg", ["photos/a.jpg"]),
        ("photos/**/*.[tj][ip]*", ["photos/a.jpg", "photos/in/c.tif"]),
        ("*/in/*", ["photos/in/c.tif"]),
    ],
)
def test_pictures_of_a_folder_and_of_a_pattern(
    photos: Path, given: str, found: list[str]
) -> None:
    assert _names(BatchInputs(given, Path("out"))) == found


def test_a_pattern_is_mirrored_from_its_fixed_part(photos: Path) -> None:
    (found,) = BatchInputs("photos/**/*.tif", Path("out")).find()
    assert found.output(Path("out"), 8) == Path("out/in/c.tif")
    (found,) = BatchInputs(f"{photos.absolute()}/in/*", Path("out")).find()
    assert found.output(Path("out"), 8) == Path("out/c.tif")


@pytest.mark.parametrize("given", ["photos", "photos/**/*"])
def test_results_inside_the_folder_are_no_inputs(photos: Path, given: str) -> None:
    before = _names(BatchInputs(given, Path("photos/out")))
    Path("photos/out/in").mkdir(parents=True)
    Path("photos/out/in/c.tif").touch()
    Path("link").symlink_to("photos/out")
    assert _names(BatchInputs(given, Path("photos/out"))) == before
    assert _names(BatchInputs(given, Path("link"))) == before


def test_results_may_lie_around_the_folder(photos: Path) -> None:
    assert _names(BatchInputs("photos/in", Path("photos"))) == ["photos/in/c.tif"]


@pytest.mark.parametrize(
    ("given", "output", "error", "words"),
    [
        ("photos", "photos", UsageError, "is the folder of the pictures"),
        ("photos/*.jpg", "photos/../photos", UsageError, "is the folder of the"),
        ("photos/a.jpg", "out", UsageError, "is one picture"),
        ("phtos", "out", ImageError, "no such folder"),
    ],
)
def test_what_is_given_wrongly(
    photos: Path, given: str, output: str, error: type[Exception], words: str
) -> None:
    with pytest.raises(error, match=words):
        BatchInputs(given, Path(output))


def test_a_folder_that_cannot_be_read(
    photos: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    scandir = os.scandir

    def refuses(path: str) -> object:
        if Path(path) == Path("photos/in"):
            raise PermissionError(13, "Permission denied", path)
        return scandir(path)

    monkeypatch.setattr("os.scandir", refuses)
    inputs = BatchInputs("photos", Path("out"))
    assert _names(inputs) == ["photos/a.jpg", "photos/b.PNG"]
    assert "Permission denied" in inputs.unreadable[Path("photos/in")]
    with pytest.raises(ImageError, match="cannot be read: Permission denied"):
        BatchInputs("photos/in", Path("out")).find()


def test_pictures_of_formats_that_are_not_read_are_left_out_with_the_reason(
    photos: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    for name in ("x.CR2", "in/y.nef", "z.heic", "film.mov", ".hidden.cr2"):
        (photos / name).touch()
    inputs = BatchInputs("photos", Path("out"))
    assert _names(inputs) == ["photos/a.jpg", "photos/b.PNG", "photos/in/c.tif"]
    reasons = {str(path): why for path, why in inputs.left_out.items()}
    assert reasons.keys() == {"photos/x.CR2", "photos/in/y.nef", "photos/z.heic"}
    assert "camera raw is not read: develop it" in reasons["photos/x.CR2"]
    assert "pillow-heif" in reasons["photos/z.heic"]


def test_formats_whose_package_is_installed_are_found(
    photos: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda name: object())
    (photos / "z.HEIC").touch()
    inputs = BatchInputs("photos", Path("out"))
    found = {file.path.name: file.output(Path("out"), 8) for file in inputs.find()}
    assert found["z.HEIC"] == Path("out/z.png")
    assert not inputs.left_out


@pytest.mark.parametrize(
    ("name", "bits", "result"),
    [
        ("a.JPG", 8, "a.JPG"),
        ("a.webp", 8, "a.webp"),
        ("a.bmp", 8, "a.png"),
        ("a.gif", 8, "a.png"),
        ("a.jpg", 16, "a.png"),
        ("a.tif", 16, "a.tif"),
        ("scan.v2", 8, "scan.v2.png"),
    ],
)
def test_a_result_keeps_the_suffix_that_can_be_written(
    name: str, bits: int, result: str
) -> None:
    file = InputFile(Path("photos", "in", name), Path("photos"))
    assert file.output(Path("out"), bits) == Path("out", "in", result)


def test_a_list_of_failures_brings_back_names_of_any_bytes(photos: Path) -> None:
    names = [os.fsdecode(b"\xff.png"), "two\nlines.png", "é.png"]
    failed = [Failure(photos / n, photos, ExitCode.IMAGE, "é\n") for n in names]
    failures.write(Path("failed.jsonl"), failed)
    assert len(Path("failed.jsonl").read_bytes().splitlines()) == 3
    inputs = BatchInputs("failed.jsonl", Path("out"))
    assert inputs.is_list
    found = {each.path: each.root for each in inputs.find()}
    assert found == {(photos / name).absolute(): photos.absolute() for name in names}
    failures.check(Path("failed.jsonl"))  # may be written over


@pytest.mark.parametrize(
    "text", ["no JSON", "[]", '{"picture": "a"}', '{"picture": "a", "root": "b"}', "é"]
)
def test_what_is_no_list_is_neither_read_nor_replaced(photos: Path, text: str) -> None:
    Path("log.jsonl").write_text(text, "utf-8")
    with pytest.raises(UsageError, match=r"list log\.jsonl"):
        BatchInputs("log.jsonl", Path("out")).find()
    with pytest.raises(UsageError, match=r"list log\.jsonl"):
        failures.check(Path("log.jsonl"))


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "utf-32"])
def test_a_list_may_be_edited_with_any_editor(photos: Path, encoding: str) -> None:
    picture = (photos / "a.jpg").absolute()
    line = str(Failure(picture, photos.absolute(), ExitCode.IMAGE, "why"))
    Path("failed.jsonl").write_bytes(f"\r\n{line}\r\n\r\n \r\n".encode(encoding))
    assert failures.read(Path("failed.jsonl")) == [(picture, photos.absolute())]


def test_an_entry_that_names_no_file_is_refused(photos: Path) -> None:
    Path("bad.jsonl").write_text(
        '\n{"picture": "/a/b\\u0000.png", "root": "/a", "code": 3, "reason": ""}'
    )
    with pytest.raises(UsageError, match=r"^list bad\.jsonl, line 2: not an entry"):
        failures.read(Path("bad.jsonl"))


@pytest.mark.parametrize(
    ("picture", "root"),
    [
        ("/a/b.png", "/a/b.png"),
        ("/a/b.png", "/c"),
        ("b.png", "/a"),
        (f"/{'x' * 500}", f"/{'y' * 500}"),
    ],
)
def test_a_picture_outside_its_root_is_refused_on_a_short_line(
    photos: Path, picture: str, root: str
) -> None:
    entry = {"picture": picture, "root": root, "code": 3, "reason": ""}
    Path("bad.jsonl").write_text(json.dumps(entry))
    with pytest.raises(UsageError, match="does not lie below its root") as caught:
        failures.read(Path("bad.jsonl"))
    assert len(str(caught.value)) < 200


@pytest.mark.parametrize("name", ["photos [2024]", "[ab]", "what?", "a*b"])
def test_brackets_in_the_name_of_a_folder_are_no_pattern(
    photos: Path, name: str
) -> None:
    photos.rename(name)
    assert _names(BatchInputs(f"{name}/*.jpg", Path("out"))) == [f"{name}/a.jpg"]
    (found,) = BatchInputs(f"./{name}/**/*.tif", Path("out")).find()
    assert found.output(Path("out"), 8) == Path("out/in/c.tif")
    assert len(BatchInputs(name, Path("out")).find()) == 3


def test_a_locked_folder_is_named(photos: Path) -> None:
    (photos / "list.jsonl").touch()
    with locked(photos):
        for given in ("photos", "photos/*.jpg", "photos/in"):
            with pytest.raises(ImageError, match="the folder cannot be read: Permiss"):
                BatchInputs(given, Path("out")).find()
        with pytest.raises(ImageError, match="the folder cannot be read: Permission"):
            BatchInputs("photos/list.jsonl", Path("out"))
