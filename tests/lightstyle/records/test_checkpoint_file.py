import hashlib
from pathlib import Path

import numpy as np
import pytest

import lightstyle
from lightstyle import Model
from lightstyle.errors import CheckpointError
from lightstyle.records import checkpoint_file
from tests.support.checkpoints import interrupted


@pytest.mark.parametrize("share", [0.0, 0.001, 0.1, 0.5, 0.999])
def test_a_truncated_file_is_one_clear_line(
    folder: Path, model: Model, share: float
) -> None:
    path = interrupted(model)
    checkpoint_file.previous(path).unlink()
    data = path.read_bytes()
    path.write_bytes(data[: int(len(data) * share)])
    with pytest.raises(CheckpointError, match=r"damaged|no checkpoint") as caught:
        lightstyle.resume(path, model=model)
    assert "\n" not in str(caught.value)


def test_no_flipped_bit_is_accepted(folder: Path, model: Model) -> None:
    path = interrupted(model)
    checkpoint_file.previous(path).unlink()
    whole = path.read_bytes()
    places = np.random.default_rng(0).integers(0, len(whole), 40).tolist()
    for place in (*range(40), *places, len(whole) - 1):
        data = bytearray(whole)
        data[place] ^= 1 << place % 8
        path.write_bytes(data)
        with pytest.raises(CheckpointError):
            checkpoint_file.read(path)
    path.write_bytes(whole)
    assert checkpoint_file.read(path)["job"] == "stylize"


@pytest.mark.parametrize("contents", [b"", b"PK\x03\x04" * 999, b"\x89PNG\r\n"])
def test_a_foreign_file_is_none_of_ours(folder: Path, contents: bytes) -> None:
    Path("other").write_bytes(contents)
    with pytest.raises(CheckpointError, match="no checkpoint of Lightstyle"):
        lightstyle.resume("other")


def test_a_missing_file_is_named() -> None:
    with pytest.raises(CheckpointError, match=r"none\.checkpoint .*No such file"):
        lightstyle.resume("none.checkpoint")


def test_another_schema_is_for_another_version(folder: Path) -> None:
    path = Path("new.checkpoint")
    checkpoint_file.write(path, {"job": "stylize"}, {})
    data = path.read_bytes().replace(b'"schema": 2', b'"schema": 9')
    digest = hashlib.sha256(data[:-32]).digest()
    path.write_bytes(data[:-32] + digest)
    with pytest.raises(CheckpointError, match="schema 9, expected 2"):
        lightstyle.resume(path)
