import hashlib
import warnings
import zipfile
from pathlib import Path

import numpy as np
import pytest

import lightstyle
from lightstyle import Model
from lightstyle.errors import CheckpointError
from lightstyle.records import archive
from lightstyle.records.checkpoint import LoadedCheckpoint
from tests.support.checkpoints import interrupted


@pytest.mark.parametrize("share", [0.0, 0.001, 0.1, 0.5, 0.999])
def test_a_truncated_file_is_one_clear_line(
    folder: Path, model: Model, share: float
) -> None:
    path = interrupted(model)
    archive.previous(path).unlink()
    data = path.read_bytes()
    path.write_bytes(data[: int(len(data) * share)])
    with pytest.raises(CheckpointError, match=r"damaged|not a checkpoint") as caught:
        lightstyle.resume(path, model=model)
    assert "\n" not in str(caught.value)


def test_no_flipped_bit_is_accepted(folder: Path, model: Model) -> None:
    path = interrupted(model)
    archive.previous(path).unlink()
    whole = path.read_bytes()
    places = np.random.default_rng(0).integers(0, len(whole), 40).tolist()
    for place in (*range(40), *places, *range(len(whole) - 60, len(whole))):
        data = bytearray(whole)
        data[place] ^= 1 << place % 8
        path.write_bytes(data)
        with pytest.raises(CheckpointError):
            archive.read(path)
    path.write_bytes(whole)
    assert LoadedCheckpoint.newest(path).snapshot.origin.job == "stylize"


def test_a_forged_file_is_refused_in_one_line_or_read(
    folder: Path, model: Model
) -> None:
    path = interrupted(model)
    archive.previous(path).unlink()
    whole = path.read_bytes()
    random = np.random.default_rng(1)
    # Headers of the archive and its arrays, where all that is parsed lies.
    starts = [n for n in range(len(whole)) if whole.startswith((b"PK", b"\x93NUM"), n)]
    refused: list[str] = []
    for _ in range(300):
        data = bytearray(whole)
        for _ in range(random.integers(1, 4)):
            place = random.choice(starts) + random.integers(0, 128)
            data[place % len(data)] = random.integers(0, 256)
        path.write_bytes(data[:-32] + hashlib.sha256(data[:-32]).digest())
        try:
            LoadedCheckpoint.newest(path).snapshot.state()
        except CheckpointError as error:
            refused.append(str(error))
    assert len(refused) > 100
    assert not any("\n" in line for line in refused)


@pytest.mark.parametrize("contents", [b"", b"PK\x03\x04" * 999, b"\x89PNG\r\n"])
def test_a_foreign_file_is_not_a_checkpoint(folder: Path, contents: bytes) -> None:
    Path("other").write_bytes(contents)
    with pytest.raises(CheckpointError, match="not a checkpoint of Lightstyle"):
        lightstyle.resume("other")


def test_a_checkpoint_of_an_older_version_is_refused_in_one_line(folder: Path) -> None:
    Path("old").write_bytes(b"lightstyle checkpoint\n" + bytes(999))
    message = r"^checkpoint old was written by an older version .* start the run again$"
    with pytest.raises(CheckpointError, match=message):
        lightstyle.resume("old")


def test_a_missing_file_is_named() -> None:
    with pytest.raises(CheckpointError, match=r"none\.checkpoint .*No such file"):
        lightstyle.resume("none.checkpoint")


def test_arrays_are_mapped_and_read_back_by_numpy_too(folder: Path) -> None:
    path = Path("arrays")
    given = {
        "empty": np.empty((0, 7), np.float16),
        "one": np.array([np.nan]),
        "many": np.arange(6, dtype=np.float32).reshape(2, 3),
    }
    archive.write(path, '{"e": 1}', given)
    mapped = archive.read(path)
    assert mapped.snapshot == '{"e": 1}'
    with np.load(path, allow_pickle=False) as loaded:
        for name, array in given.items():
            assert isinstance(mapped[name], np.memmap) or array.size == 0
            assert mapped[name].dtype == array.dtype
            np.testing.assert_array_equal(mapped[name], array)
            np.testing.assert_array_equal(loaded[name], array)


@pytest.mark.parametrize("array", [np.arange(3), np.array(["a"])])
def test_an_array_of_another_kind_is_refused(folder: Path, array: np.ndarray) -> None:
    archive.write(Path("other"), "{}", {"array": array})
    with pytest.raises(CheckpointError, match="damaged"):
        archive.read(Path("other"))


@pytest.mark.parametrize("text", [b"(3L,), }", b"(\\d,), }", b"(9,), }", b"[3,], }"])
def test_an_array_with_another_header_is_refused_without_a_warning(
    folder: Path, text: bytes
) -> None:
    path = Path("other")
    archive.write(path, "{}", {"array": np.zeros(3, np.float32)})
    data = path.read_bytes()[:-32].replace(b"(3,), } ", text.ljust(8))
    path.write_bytes(data + hashlib.sha256(data).digest())
    with warnings.catch_warnings(record=True) as told:
        warnings.simplefilter("always")
        with pytest.raises(CheckpointError, match="damaged"):
            archive.read(path)
    assert not told


@pytest.mark.parametrize("large", [False, True])
def test_a_directory_of_many_files_is_refused_before_it_is_read(
    folder: Path, monkeypatch: pytest.MonkeyPatch, large: bool
) -> None:
    if large:  # as for more than 65,535 files
        monkeypatch.setattr(zipfile, "ZIP_FILECOUNT_LIMIT", 10)
    path, one = Path("many"), np.zeros(1, np.float32)
    archive.write(path, "{}", {f"a{n}": one for n in range(20)})
    assert len(archive.read(path)) == 20
    archive.write(path, "{}", {f"a{n}": one for n in range(2000)})
    monkeypatch.setattr(archive, "ZipFile", lambda _: pytest.fail("it was read"))
    with pytest.raises(CheckpointError, match="damaged"):
        archive.read(path)
