import errno
import os
import stat
from collections.abc import Iterator
from pathlib import Path

import pytest

from lightstyle.errors import OutputError
from lightstyle.files import atomic_write, check_writable, flush, make_folder


@pytest.fixture
def umask() -> Iterator[None]:
    before = os.umask(0o027)
    yield
    os.umask(before)


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
        ("pipe.png", "not a regular file"),
        ("loop.png", "symbolic links"),
        ("a" * 300 + ".png", "File name too long"),
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
        atomic_write(path, b"new")
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
        atomic_write(tmp_path / "a.png", b"new")


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
    atomic_write(path, b"new")
    assert path.exists()


def test_a_missing_folder_is_one_line(tmp_path: Path) -> None:
    with pytest.raises(OutputError, match="No such file or directory"):
        atomic_write(tmp_path / "none" / "a", b"data")


def test_files_and_folders_are_flushed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    flushed = []
    monkeypatch.setattr(os, "fsync", lambda handle: flushed.append(os.fstat(handle)))
    for path in (tmp_path, tmp_path / "file"):
        if not path.exists():
            path.write_bytes(b"x")
        flush(path)
        assert os.path.samestat(flushed.pop(), path.stat())
    with pytest.raises(FileNotFoundError):
        flush(tmp_path / "nowhere")


def test_folders_are_made_where_they_are_missing(tmp_path: Path) -> None:
    make_folder(tmp_path / "a" / "b")
    make_folder(tmp_path / "a" / "b")
    assert (tmp_path / "a" / "b").is_dir()


def test_more_folders_than_python_can_make_are_refused(tmp_path: Path) -> None:
    with pytest.raises(OutputError, match="nested too deeply"):
        make_folder(tmp_path / ("x/" * 1900))
