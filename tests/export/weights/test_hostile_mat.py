"""MATLAB files made to exhaust memory or time."""

import struct
import zlib
from pathlib import Path

import pytest

from tests.export.weights.refusals import refusal


def element(kind: int, data: bytes) -> bytes:
    return struct.pack("<II", kind, len(data)) + data + bytes(-len(data) % 8)


def matrix(kind: int, shape: tuple[int, ...], body: bytes, name: bytes = b"") -> bytes:
    dimensions = struct.pack(f"<{len(shape)}i", *shape)
    head = element(6, struct.pack("<II", kind, 0)) + element(5, dimensions)
    return element(14, head + element(1, name) + body)


def write_mat(path: Path, body: bytes) -> None:
    header = b"MATLAB 5.0 MAT-file".ljust(124) + struct.pack("<HH", 0x0100, 0x4D49)
    path.write_bytes(header + body)


def nested_cells(depth: int) -> bytes:
    heads, size = [], 0
    for level in range(depth):
        name = b"layers" if level == depth - 1 else b""
        head = element(6, struct.pack("<II", 1, 0)) + element(
            5, struct.pack("<2i", 1, 1)
        )
        head += element(1, name)
        heads.append(struct.pack("<II", 14, len(head) + size) + head)
        size += len(heads[-1])
    return b"".join(reversed(heads))


@pytest.mark.parametrize("depth", [1000, 100_000])
@pytest.mark.usefixtures("_bounded")
def test_cells_nested_without_end(depth: int, tmp_path: Path) -> None:
    path = tmp_path / "vgg19.mat"
    write_mat(path, nested_cells(depth))
    assert "nested" in refusal(path)


@pytest.mark.parametrize(
    "body",
    [
        matrix(1, (2**31 - 1, 2**31 - 1), b"", b"layers"),
        matrix(1, (-1, -1), b"", b"layers"),
        matrix(7, (2**31 - 1, 2**31 - 1), element(7, b"abcd"), b"layers"),
        matrix(2, (9, 9), element(5, bytes(4)) + element(1, b"a"), b"layers"),
        matrix(2, (2**31 - 1, 9), element(5, b"\4\0\0\0") + element(1, b""), b"net"),
        matrix(1, (30_000, 30_000), b"", b"layers"),
        matrix(7, (1, 1), element(8, b"abcd"), b"layers"),
        matrix(7, (1, 1), element(99, b"abcd"), b"layers"),
        matrix(7, (1, 1), element(60_000, b"abcd"), b"layers"),
        matrix(4, (1, 3), element(99, b"a\0b\0c\0"), b"layers"),
        matrix(16, (1, 1), matrix(2, (1, 1), b""), b"layers"),  # a function handle
        matrix(4, (1, 3), element(4, b"a\0b\0c\0"), b"layers"),
        matrix(17, (1, 1), b"", b"layers"),
        struct.pack("<II", 14, 2**32 - 1),
        element(15, zlib.compress(struct.pack("<II", 14, 2**32 - 1))),
        element(15, b"not compressed"),
        b"",
    ],
)
def test_mat_files_that_lie(body: bytes, tmp_path: Path) -> None:
    write_mat(tmp_path / "vgg19.mat", body)
    refusal(tmp_path / "vgg19.mat")


@pytest.mark.usefixtures("_bounded")
def test_a_variable_that_unpacks_without_end(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("export.weights.mat5._MAX_UNPACKED", 2**20)
    write_mat(tmp_path / "vgg19.mat", element(15, zlib.compress(bytes(2**24))))
    assert "unpacks to more than 1048576 bytes" in refusal(tmp_path / "vgg19.mat")
