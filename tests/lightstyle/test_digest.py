import hashlib
import os
from pathlib import Path

import pytest

from lightstyle.digest import sha256_of


def test_the_digest_is_that_of_the_contents(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_bytes(b"contents")
    assert sha256_of(path) == hashlib.sha256(b"contents").hexdigest()


@pytest.mark.skipif(not Path("/dev/zero").exists(), reason="no such device here")
def test_what_may_have_no_end_is_not_read(tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    for path in (Path("/dev/zero"), pipe, tmp_path):
        with pytest.raises(OSError, match="not a regular file"):
            sha256_of(path)
