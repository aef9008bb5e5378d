from pathlib import Path

import numpy as np
import pytest

from lightstyle.engine import memory
from lightstyle.errors import UsageError

GB = 10**9


@pytest.mark.parametrize(
    ("text", "size"),
    [
        ("auto", None),
        ("2GB", 2 * GB),
        ("1.5g", 3 * GB // 2),
        ("800M", 800 * 10**6),
    ],
)
def test_sizes_are_read(text: str, size: int | None) -> None:
    assert memory.parse(text) == size


@pytest.mark.parametrize("text", ["much", "-1GB", "2 apples", "", "GB", "2"])
def test_what_is_no_size_is_refused(text: str) -> None:
    with pytest.raises(UsageError, match="expected auto or a size such as 2GB"):
        memory.parse(text)


def test_this_process_holds_what_it_has_touched() -> None:
    before = memory.resident()
    touched = np.ones(10**8, np.uint8)
    assert 0.9 * touched.nbytes < memory.resident() - before < 10**12
    assert memory.available() > 0


def test_what_a_container_allows_counts_without_its_cache(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "memory.max").write_text("3000000\n")
    (tmp_path / "memory.current").write_text("2900000\n")
    (tmp_path / "memory.stat").write_text("anon 100000\ninactive_file 2000000\n")
    monkeypatch.setattr(memory, "_GROUP", tmp_path)
    assert memory.available() == 2_100_000
    (tmp_path / "memory.max").write_text("max\n")
    assert memory.available() > 10**7
