import subprocess
import time
from pathlib import Path

import pytest

from lightstyle.errors import OutputError
from lightstyle.zoo.lock import locked
from tests.support.processes import start_script

_HOLD = """
import sys, time
from pathlib import Path
from lightstyle.zoo.lock import locked
with locked(Path(sys.argv[1]), lambda: None):
    print("held", flush=True)
    time.sleep(60)
"""


def test_a_lock_ends_with_the_process_that_held_it(tmp_path: Path) -> None:
    path = tmp_path / "lock"
    process = start_script(_HOLD, path, stdout=subprocess.PIPE)
    assert process.stdout is not None
    waits: list[float] = []

    def kill() -> None:
        waits.append(time.monotonic())
        process.kill()

    with process:
        process.stdout.readline()
        with locked(path, kill):
            assert len(waits) == 1
    with locked(path, kill):
        assert len(waits) == 1


@pytest.mark.parametrize("name", ["file/lock", "folder"])
def test_a_lock_that_cannot_be_made_is_an_output_error(
    tmp_path: Path, name: str
) -> None:
    (tmp_path / "file").touch()
    (tmp_path / "folder").mkdir()
    with (
        pytest.raises(OutputError, match="cannot lock"),
        locked(tmp_path / name, lambda: None),
    ):
        pass
