import errno
import os
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from lightstyle import output
from lightstyle.errors import OutputError, UsageError
from lightstyle.images import load
from lightstyle.output import atomic_write, check_format, check_writable, save

_SUFFIXES = [".png", ".jpg", ".jpeg", ".webp", ".tif", ".tiff", ".bmp", ".PNG"]


def _smooth(height: int = 40, width: int = 56) -> NDArray[np.float32]:
    y, x = np.mgrid[:height, :width]
    planes = [x * 255 / (width - 1), y * 255 / (height - 1), 128 + 0 * x]
    return np.stack(planes, axis=2).astype(np.float32)


@pytest.fixture
def umask() -> Iterator[None]:
    before = os.umask(0o027)
    yield
    os.umask(before)


# Formats


@pytest.mark.parametrize("suffix", _SUFFIXES)
def test_what_is_saved_can_be_loaded(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"a{suffix}"
    save(path, _smooth())
    tolerance = {".jpg": 4, ".jpeg": 4, ".webp": 8}.get(suffix, 0.5001)
    picture = load(path)
    assert np.abs(picture.rgb_hwc - _smooth()).max() <= tolerance
    assert picture.notes == ()


@pytest.mark.parametrize("suffix", _SUFFIXES)
def test_an_srgb_profile_is_embedded(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"a{suffix}"
    save(path, _smooth())
    with Image.open(path) as image:
        profile = image.info.get("icc_profile")
    assert profile == (None if suffix == ".bmp" else output.srgb_profile())


def test_jpeg_keeps_colour_at_full_resolution(tmp_path: Path) -> None:
    path = tmp_path / "a.jpg"
    save(path, _smooth())
    with Image.open(path) as image:
        layers: Any = image.__getattribute__("layer")
    assert [layer[1:3] for layer in layers] == [(1, 1)] * 3


def test_levels_are_clipped_and_rounded_to_the_nearest(tmp_path: Path) -> None:
    levels = [-9.0, 0.4, 0.6, 99.49, 99.51, 254.6, 300.0, 1.0, 2.0]
    path = tmp_path / "a.png"
    save(path, np.array(levels, np.float32).reshape(1, 3, 3))
    expected = [0, 0, 1, 99, 100, 255, 255, 1, 2]
    assert load(path).rgb_hwc.ravel().tolist() == expected


@pytest.mark.parametrize("suffix", [".png", ".tif", ".webp"])
def test_alpha_is_put_back(tmp_path: Path, suffix: str) -> None:
    alpha = _smooth()[..., 0]
    path = tmp_path / f"a{suffix}"
    save(path, _smooth(), alpha_hw=alpha)
    picture = load(path)
    assert picture.alpha_hw is not None
    assert np.abs(picture.alpha_hw - alpha).max() <= 0.5001
    seen = picture.alpha_hw > 9
    tolerance = 12 if suffix == ".webp" else 0.5001
    assert np.abs(picture.rgb_hwc - _smooth())[seen].max() <= tolerance


@pytest.mark.parametrize("suffix", [".jpg", ".bmp"])
def test_without_alpha_the_picture_lies_over_white(tmp_path: Path, suffix: str) -> None:
    alpha = np.zeros((32, 64), np.float32)
    alpha[:, 16:32], alpha[:, 32:] = 127.5, 255
    path = tmp_path / f"a{suffix}"
    save(path, np.zeros((32, 64, 3), np.float32), alpha_hw=alpha)
    row = load(path).rgb_hwc[16, [8, 24, 48]]
    assert np.abs(row - np.array([[255], [127.5], [0]])).max() <= 3


@pytest.mark.parametrize("suffix", [".png", ".tif"])
@pytest.mark.parametrize("alpha", [False, True])
def test_sixteen_bits(tmp_path: Path, suffix: str, alpha: bool) -> None:
    path = tmp_path / f"a{suffix}"
    levels = np.full((32, 32, 3), 100.75, np.float32)
    save(path, levels, alpha_hw=levels[..., 0] if alpha else None, bits=16)
    data = path.read_bytes()
    if suffix == ".png":
        assert data[24] == 16
    with Image.open(path) as image:  # which shows the upper bytes of each sample
        assert (np.asarray(image) == round(100.75 / 255 * 65535) >> 8).all()
        assert len(image.getbands()) == (4 if alpha else 3)
        assert image.info["icc_profile"] == output.srgb_profile()


@pytest.mark.parametrize(
    ("name", "bits", "problem"),
    [
        ("a.gif", 8, "suffix must be one of .png, .jpg"),
        ("a", 8, "suffix must be one of"),
        (".png", 8, "suffix must be one of"),
        ("a.jpg", 16, "JPEG has no 16 bits a channel; choose .png or .tif"),
        ("a.webp", 16, "WEBP has no 16"),
        ("a.png", 12, "12 bits a channel; choose 8 or 16"),
    ],
)
def test_formats_that_cannot_be_written_are_refused(
    tmp_path: Path, name: str, bits: int, problem: str
) -> None:
    path = tmp_path / name
    with pytest.raises(UsageError, match=problem):
        check_format(path, bits)
    with pytest.raises(UsageError, match=problem):
        save(path, _smooth(), bits=bits)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("name", "width", "value", "problem"),
    [
        ("a.webp", 16_400, 0, "longer than 16383 pixels"),
        ("a.jpg", 65_600, 0, "longer than 65500 pixels"),
        ("a.png", 8, np.nan, "not finite"),
        ("a.tif", 8, np.inf, "not finite"),
    ],
)
def test_pictures_that_do_not_fit_the_format_are_refused(
    tmp_path: Path, name: str, width: int, value: float, problem: str
) -> None:
    with pytest.raises(OutputError, match=f"^cannot write .*{problem}.*$"):
        save(tmp_path / name, np.full((1, width, 3), value, np.float32))
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("name", ["a.png", "a.jpg", "a.webp", "a.tif"])
def test_equal_pictures_give_equal_bytes(tmp_path: Path, name: str) -> None:
    save(tmp_path / name, _smooth())
    first = (tmp_path / name).read_bytes()
    output.srgb_profile.cache_clear()
    save(tmp_path / name, _smooth())
    assert (tmp_path / name).read_bytes() == first


# Checked before the work


def test_a_new_file_in_a_folder_is_fine_and_leaves_nothing(tmp_path: Path) -> None:
    check_writable(tmp_path / "a.png", inputs=[tmp_path / "b.png"], overwrite=False)
    assert list(tmp_path.iterdir()) == []


def test_an_existing_file_needs_permission_to_be_overwritten(tmp_path: Path) -> None:
    path = tmp_path / "a.png"
    path.write_bytes(b"old")
    with pytest.raises(OutputError, match="it exists"):
        check_writable(path, inputs=[], overwrite=False)
    check_writable(path, inputs=[], overwrite=True)
    assert path.read_bytes() == b"old"


@pytest.mark.parametrize("link", ["itself", "symbolic", "hard", "other spelling"])
def test_an_input_is_never_overwritten(tmp_path: Path, link: str) -> None:
    source, path = tmp_path / "in.png", tmp_path / "out.png"
    source.write_bytes(b"picture")
    if link == "itself":
        path = source
    elif link == "symbolic":
        path.symlink_to(source)
    elif link == "hard":
        path.hardlink_to(source)
    else:
        path = tmp_path / ".." / tmp_path.name / "in.png"
    inputs = [tmp_path / "missing.png", source]
    with pytest.raises(OutputError, match="it is an input"):
        check_writable(path, inputs=inputs, overwrite=True)


@pytest.mark.parametrize(
    ("name", "problem"),
    [
        ("none/a.png", "there is no folder .*none; create it first"),
        ("dangling.png", "there is no folder .*nowhere"),
        ("file/a.png", "Not a directory"),
        ("folder.png", "it is a directory"),
        ("pipe.png", "not a file"),
        ("loop.png", "symbolic links"),
        ("a" * 300 + ".png", "File name too long"),
        ("null\0.png", "null"),
    ],
)
def test_places_that_cannot_be_written_are_found_early(
    tmp_path: Path, name: str, problem: str
) -> None:
    (tmp_path / "file").touch()
    (tmp_path / "folder.png").mkdir()
    os.mkfifo(tmp_path / "pipe.png")
    (tmp_path / "loop.png").symlink_to("loop.png")
    (tmp_path / "dangling.png").symlink_to("nowhere/a.png")
    before = sorted(tmp_path.iterdir())
    with pytest.raises(OutputError, match=f"^cannot write .*{problem}.*$"):
        check_writable(tmp_path / name, inputs=[], overwrite=True)
    assert sorted(tmp_path.iterdir()) == before


def test_a_folder_that_refuses_files_is_found_early(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> None:
        raise OSError(errno.EROFS, os.strerror(errno.EROFS))

    monkeypatch.setattr(Path, "open", refuse)
    with pytest.raises(OutputError, match="Read-only file system"):
        check_writable(tmp_path / "a.png", inputs=[], overwrite=False)


def test_a_write_protected_file_is_found_early(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "a.png"
    path.touch()
    monkeypatch.setattr(os, "access", lambda *_: False)  # nothing stops root
    with pytest.raises(OutputError, match="write-protected"):
        check_writable(path, inputs=[], overwrite=True)


# Written whole or not at all


@pytest.mark.parametrize("call", ["os.fsync", "pathlib.Path.replace"])
@pytest.mark.parametrize("old", [b"old", None])
@pytest.mark.parametrize(
    ("failure", "error"),
    [
        (OSError(errno.ENOSPC, os.strerror(errno.ENOSPC)), OutputError),
        (KeyboardInterrupt(), KeyboardInterrupt),
    ],
)
def test_a_failure_leaves_what_was_there(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    call: str,
    old: bytes | None,
    failure: BaseException,
    error: type[BaseException],
) -> None:
    def fail(*_: object) -> None:
        raise failure

    path = tmp_path / "a.png"
    if old is not None:
        path.write_bytes(old)
    before = list(tmp_path.iterdir())
    monkeypatch.setattr(call, fail)
    with pytest.raises(error) as caught:
        save(path, _smooth())
    if error is OutputError:
        assert str(caught.value).endswith(
            "a.png: No space left on device; choose another place"
        )
    assert list(tmp_path.iterdir()) == before
    assert old is None or path.read_bytes() == old


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full")
def test_a_full_disk_is_one_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    full = tmp_path / "full"
    full.symlink_to("/dev/full")
    real_open = Path.open
    monkeypatch.setattr(Path, "open", lambda self, mode: real_open(full, "wb"))
    with pytest.raises(OutputError, match="No space left on device"):
        save(tmp_path / "a.png", _smooth())


@pytest.mark.usefixtures("umask")
def test_a_new_file_follows_the_umask(tmp_path: Path) -> None:
    atomic_write(tmp_path / "a", b"data")
    assert stat.S_IMODE((tmp_path / "a").stat().st_mode) == 0o640


def test_a_replaced_file_keeps_its_permissions(tmp_path: Path) -> None:
    path = tmp_path / "a"
    path.touch()
    path.chmod(0o604)
    atomic_write(path, b"data")
    assert stat.S_IMODE(path.stat().st_mode) == 0o604
    assert path.read_bytes() == b"data"


@pytest.mark.parametrize("exists", [True, False])
def test_a_symbolic_link_stays_one(tmp_path: Path, exists: bool) -> None:
    folder, link = tmp_path / "folder", tmp_path / "a"
    folder.mkdir()
    if exists:
        (folder / "b").write_bytes(b"old")
    link.symlink_to("folder/b")
    atomic_write(link, b"new")
    assert link.is_symlink()
    assert (folder / "b").read_bytes() == b"new"
    assert [p.name for p in folder.iterdir()] == ["b"]


def test_a_name_may_be_as_long_as_the_file_system_allows(tmp_path: Path) -> None:
    path = tmp_path / ("a" * 251 + ".png")
    save(path, _smooth())
    assert path.exists()


def test_a_missing_folder_is_one_line(tmp_path: Path) -> None:
    with pytest.raises(OutputError, match="No such file or directory"):
        atomic_write(tmp_path / "none" / "a", b"data")
