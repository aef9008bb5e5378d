"""C libraries print nothing of their own while a picture is decoded."""

import os
import sys
import threading
from pathlib import Path

import pytest
from PIL import Image

from lightstyle.errors import ImageError
from lightstyle.images.loading import load
from lightstyle.library_output import held_back
from tests.support.picture_files import RGB, encoded

_LINE = b"TIFFFillStrip: Read error on strip 0; got 7 bytes, expected 12.\n"


def test_a_damaged_tiff_prints_nothing(capfd: pytest.CaptureFixture[str]) -> None:
    for cut in range(0, 400, 20):
        data = encoded(Image.fromarray(RGB), "TIFF", compression="tiff_adobe_deflate")
        with pytest.raises(ImageError):
            load(data[: 300 + cut] + b"\xee" * 40)
    assert capfd.readouterr() == ("", "")


def test_lines_of_libraries_are_dropped_and_stderr_is_back(
    capfd: pytest.CaptureFixture[str],
) -> None:
    with held_back(), held_back():
        os.write(2, _LINE)
    os.write(2, b"after\n")
    assert capfd.readouterr().err == "after\n"


def test_lines_of_other_threads_are_passed_on(
    capfd: pytest.CaptureFixture[str],
) -> None:
    inside, done = threading.Event(), threading.Event()

    def decode() -> None:
        with held_back():
            inside.set()
            done.wait()

    thread = threading.Thread(target=decode)
    thread.start()
    inside.wait()
    with held_back():
        os.write(2, _LINE + b"a line of the program\n")
    done.set()
    thread.join()
    os.write(2, b"after\n")
    kept = capfd.readouterr().err
    assert kept == "a line of the program\nafter\n"


def test_many_threads_leave_stderr_as_it_was() -> None:
    before = os.fstat(2)

    def work() -> None:
        for _ in range(200):
            with held_back():
                os.write(2, _LINE)

    threads = [threading.Thread(target=work) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert os.path.sameopenfile(2, 2)
    assert os.fstat(2)[:3] == before[:3]


def test_it_works_without_a_stderr(tmp_path: Path) -> None:
    path = tmp_path / "a.png"
    path.write_bytes(encoded(Image.fromarray(RGB), "PNG"))
    code = "import os, sys; os.close(2); from lightstyle.images import load; load("
    code += f"{str(path)!r})"
    assert os.spawnv(os.P_WAIT, sys.executable, [sys.executable, "-c", code]) == 0
