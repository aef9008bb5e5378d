from pathlib import Path

import numpy as np
import pytest

from lightstyle.engine import memory
from lightstyle.errors import ExitCode, UsageError
from tests.support.processes import run_script, start

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


@pytest.mark.parametrize(
    "text", ["much", "-1GB", "2 apples", "", "GB", "2", "9" * 400, "9" * 300]
)
def test_what_is_no_size_is_refused(text: str) -> None:
    with pytest.raises(UsageError, match="expected auto or a size such as 2GB"):
        memory.parse(text)


def test_this_process_holds_what_it_has_touched() -> None:
    before = memory.resident()
    touched = np.ones(10**8, np.uint8)
    assert 0.9 * touched.nbytes < memory.resident() - before < 10**12
    assert memory.available() > 0


@pytest.mark.parametrize(
    ("error", "lacks"),
    [
        (MemoryError(), True),
        (RuntimeError("bfc_arena.cc: Failed to allocate memory for requested"), True),
        (RuntimeError("pthread_create failed, error code: 12"), True),
        (ImportError("x.so: failed to map segment from shared object"), True),
        (RuntimeError("std::bad_alloc"), True),
        (RuntimeError("Invalid feed input name"), False),
    ],
)
def test_a_lack_of_memory_is_told_from_other_faults(
    error: Exception, lacks: bool
) -> None:
    found = memory.shortage(error)
    assert (found is not None) == lacks
    if found:
        assert "smaller --size" in str(found)


@pytest.mark.parametrize("limit", ["RLIMIT_AS", "RLIMIT_DATA"])
def test_a_limit_of_the_shell_is_seen_and_what_to_lower_is_said(
    studio: Path, limit: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OPENBLAS_NUM_THREADS", "1")  # each takes 40 MB of addresses
    resource = pytest.importorskip("resource")
    kind, most = getattr(resource, limit), 500 * 10**6
    script = (
        f"import resource; resource.setrlimit({kind}, ({most}, {most}))\n"
        "from lightstyle.engine.memory import available, total\n"
        "print(available(), total())"
    )
    available, total = map(int, run_script(script).stdout.split())
    assert total == most
    assert 0 < available < most
    options = ["--size", "4000", "--enlarge", "--iterations", "2", "--threads", "1"]
    process = start(
        *("stylize", "content.png", "style.png", "-o", "out.png", "--quiet", *options),
        preexec_fn=lambda: resource.setrlimit(kind, (most, most)),
    )
    _, errors = process.communicate(timeout=60)
    assert process.returncode in (ExitCode.TRANSFER, ExitCode.USAGE)
    assert "smaller" in errors.splitlines()[-1]
    assert not Path("out.png").exists()
