"""What a benchmark ran on, in words: no number means anything without it."""

import importlib.metadata
import platform
import re
from contextlib import suppress
from pathlib import Path
from typing import Any

from lightstyle.engine.threads import available_cpus
from lightstyle.records import environment


def threads() -> int:
    """Threads that every contender gets: as many as this process may use."""
    return available_cpus()


def description(threads: int) -> dict[str, Any]:
    """Processor, threads and versions."""
    packages = ("numpy", "scipy", "onnxruntime", "onnxruntime-gpu", "torch")
    return {
        "processor": _processor(),
        "threads": threads,
        "python": platform.python_version(),
        **{name: found for name in packages if (found := _version(name))},
    }


def _processor() -> str:
    """Its name, and the widest vectors it has, which says more on a virtual machine."""
    flags: list[str] = []
    with suppress(OSError):
        text = Path("/proc/cpuinfo").read_text("utf-8")
        flags = re.findall(r"^flags\s*:(.*)", text, re.MULTILINE)[:1]
    known = ("amx_tile", "avx512_bf16", "avx512f", "avx2")
    found = " ".join(flags).split()
    vectors = next((flag for flag in known if flag in found), "")
    return f"{environment.processor()} {vectors}".rstrip()


def _version(package: str) -> str:
    try:
        return importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        return ""
