"""What a benchmark ran on, in words: no number means anything without it."""

import importlib.metadata
import platform
from pathlib import Path
from typing import Any

from lightstyle.session import available_cpus


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
    facts: dict[str, str] = {}
    try:
        text = Path("/proc/cpuinfo").read_text("utf-8")
    except OSError:
        return platform.processor() or platform.machine()
    for line in text.splitlines():
        key, _, value = line.partition(":")
        facts.setdefault(key.strip(), value.strip())
    flags = facts.get("flags", "").split()
    known = ("amx_tile", "avx512_bf16", "avx512f", "avx2")
    vectors = next((flag for flag in known if flag in flags), "")
    return " ".join(filter(None, (facts.get("model name"), vectors)))


def _version(package: str) -> str:
    try:
        return importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        return ""
