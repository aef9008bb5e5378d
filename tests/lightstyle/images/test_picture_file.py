import os
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from lightstyle.errors import ImageError
from lightstyle.images import picture_file
from lightstyle.images.loading import load
from tests.support.picture_files import RGB, encoded, written

_PNG = encoded(Image.fromarray(RGB), "PNG")
_JPEG = encoded(Image.fromarray(RGB).resize((64, 64)), "JPEG")


@pytest.mark.parametrize(
    ("data", "problem"),
    [
        (b"", "the file is empty"),
        (b"Dear picture,\n" * 9, "not a picture"),
        (_PNG[:-60], "damaged"),
        (_PNG[:20], "damaged"),
        (_JPEG[: len(_JPEG) // 2], "truncated"),
        (encoded(Image.fromarray(RGB), "PCX"), "PCX is not read: save it as"),
        (
            b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n",
            "PostScript is not read",
        ),
    ],
    ids=["empty", "text", "png", "png start", "jpeg", "other format", "EPS"],
)
def test_a_bad_file_gives_one_line(tmp_path: Path, data: bytes, problem: str) -> None:
    path = written(tmp_path / "a.jpg", data)
    with pytest.raises(ImageError) as caught:
        load(path, role="content")
    assert str(caught.value).startswith(f"content {path}: ")
    assert problem in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("name", "problem"),
    [
        ("missing.png", "no such file"),
        ("", "this is a folder"),
        ("file.png/a.png", "Not a directory"),
        ("a" * 300, "File name too long"),
        ("pipe", "this is a pipe"),
        ("loop", "symbolic links"),
    ],
)
def test_a_bad_path_gives_one_line(tmp_path: Path, name: str, problem: str) -> None:
    written(tmp_path / "file.png", _PNG)
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "loop").symlink_to("loop")
    with pytest.raises(ImageError, match=f"^content .*{problem}"):
        load(f"{tmp_path}/{name}", role="content")


def test_an_unreadable_file_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(path: Path) -> bytes:
        raise PermissionError(13, "Permission denied", str(path))

    path = written(tmp_path / "a.png", _PNG)
    monkeypatch.setattr(Path, "read_bytes", refuse)
    with pytest.raises(ImageError, match=r"cannot be read: Permission denied$"):
        load(path)


def test_a_huge_file_is_refused_unread(tmp_path: Path) -> None:
    path = tmp_path / "a.tif"
    with path.open("wb") as file:
        file.truncate(picture_file.MAXIMUM_BYTES + 1)
    with pytest.raises(ImageError, match=r"has 2\.0 GB, expected at most 2 GB"):
        load(path)


def test_the_bytes_of_a_file_are_a_source_too() -> None:
    picture = load(_PNG)
    assert np.array_equal(picture.rgb_hwc, RGB)
    with pytest.raises(ImageError, match=r"^style bytes: the file is empty"):
        load(b"", role="style")
