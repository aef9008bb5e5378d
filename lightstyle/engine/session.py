"""onnxruntime sessions: the only module that knows onnxruntime.

A session runs on the device it was asked for or is not made. onnxruntime itself falls
back to the CPU without a word when CUDA's libraries are missing, so the providers of
every session are looked at after it was made, and a GPU must evaluate once to count.
"""

import os
from collections.abc import Mapping
from contextlib import redirect_stdout
from functools import cache
from io import StringIO
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from ..errors import DeviceError, ModelError, UsageError

DEVICES: Final = ("auto", "cpu", "cuda")

#: More threads than any machine has cores: each costs memory before it does anything.
MAXIMUM_THREADS: Final = 512

#: What graphs call the height and the width of a picture.
_DIMENSIONS: Final = ("H", "W")

Feeds = Mapping[str, NDArray[np.float32]]

_PROVIDERS: Final[dict[str, Any]] = {
    "cpu": "CPUExecutionProvider",
    # Heuristic instead of exhaustive search: the latter tunes anew for every shape.
    # TF32 off: its noise reaches the line search.
    "cuda": (
        "CUDAExecutionProvider",
        {"cudnn_conv_algo_search": "HEURISTIC", "use_tf32": "0"},
    ),
}


class Session:
    """One graph, loaded. Runs may come from several threads at a time."""

    def __init__(
        self,
        path: Path,
        device: str,
        threads: int | None,
        *,
        size: tuple[int, ...] | None = None,
        once: bool = False,
        shared_arena: bool = False,
    ) -> None:
        """Load the graph at `path`.

        Args:
            path: The file.
            device: ``cpu`` or ``cuda``.
            threads: On the CPU; by default as many as the process may use.
            size: Height and width of all pictures it will be run on, if known.
            once: Whether it will be run a single time: nothing is prepared then.
            shared_arena: Whether to share the memory of runs with other sessions, for
                graphs of which one runs at a time.

        Raises:
            ModelError: If the file is not there or onnxruntime cannot load it.
            DeviceError: If the device, or onnxruntime, is not usable.
        """
        runtime = _onnxruntime()
        if not path.is_file():
            what = "is not a file" if path.exists() else "does not exist"
            raise ModelError(f"model {path} {what}: make it with `lightstyle export`")
        options = _options(runtime, threads)
        for name, length in zip(_DIMENSIONS, size or (), strict=False):
            options.add_free_dimension_override_by_name(name, length)
        if shared_arena:
            _share_arena(runtime)
            options.add_session_config_entry("session.use_env_allocators", "1")
        if once:
            level = runtime.GraphOptimizationLevel.ORT_DISABLE_ALL
            options.graph_optimization_level = level
        if device not in available_devices():
            raise _unusable(device)
        if device == "cuda":
            _preload(runtime)
        try:
            self._session = runtime.InferenceSession(
                str(path), options, providers=[_PROVIDERS[device]], enable_fallback=0
            )
        except Exception as error:  # onnxruntime's own have no common base
            if device != "cpu":
                raise _unusable(device, _first_line(error)) from error
            raise ModelError(
                f"model {path} cannot be loaded: {_first_line(error)}"
            ) from error
        if self._session.get_providers()[0] != _provider_name(device):
            raise _unusable(device)
        self._outputs = [output.name for output in self._session.get_outputs()]
        self._path = path

    @property
    def metadata(self) -> dict[str, str]:
        """What the exporter wrote into the file."""
        return dict(self._session.get_modelmeta().custom_metadata_map)

    @property
    def inputs(self) -> tuple[str, ...]:
        """Names of the feeds."""
        return tuple(feed.name for feed in self._session.get_inputs())

    def run(self, feeds: Feeds, *, release: bool = False) -> dict[str, Any]:
        """Run once and return all outputs by name.

        Args:
            feeds: By name.
            release: Whether to give the arena back to the system afterwards, which the
                next run would have to ask for again.

        Raises:
            ModelError: If onnxruntime fails, out of memory for one.
        """
        options = _releasing(_onnxruntime()) if release else None
        try:
            values = self._session.run(self._outputs, dict(feeds), options)
        except Exception as error:
            raise ModelError(
                f"running {self._path} failed: {_first_line(error)}"
            ) from error
        return dict(zip(self._outputs, values, strict=True))


def available_devices() -> tuple[str, ...]:
    """Devices that onnxruntime lists, whether or not they work."""
    listed = providers()
    return tuple(device for device in _PROVIDERS if _provider_name(device) in listed)


def providers() -> tuple[str, ...]:
    """Execution providers that onnxruntime was built with, by its names."""
    return tuple(_onnxruntime().get_available_providers())


def runtime_version() -> str:
    """Version of onnxruntime."""
    return str(_onnxruntime().__version__)


def available_cpus() -> int:
    """CPUs this process may use: its affinity, and its container's quota."""
    try:
        count = len(os.sched_getaffinity(0))
    except AttributeError:  # not on this system
        count = os.cpu_count() or 1
    try:
        quota, period = Path("/sys/fs/cgroup/cpu.max").read_text("ascii").split()
        count = min(count, max(1, int(quota) // int(period)))
    except (OSError, ValueError):  # no control group, or no limit ("max")
        pass
    return count


def check_device(device: str) -> None:
    """Refuse a name that is no device."""
    if device not in DEVICES:
        raise UsageError(f"device is {device}, expected one of {', '.join(DEVICES)}")


def check_threads(threads: int | None) -> None:
    """Refuse a number of threads that onnxruntime would choke on."""
    if threads is not None and not 1 <= threads <= MAXIMUM_THREADS:
        raise UsageError(f"threads is {threads}, expected 1 to {MAXIMUM_THREADS}")


def _options(runtime: Any, threads: int | None) -> Any:
    options = runtime.SessionOptions()
    options.log_severity_level = 4  # errors arrive as exceptions, not as lines
    options.intra_op_num_threads = _thread_count(threads)
    # Both would save allocations and cost memory, half as much again at 512 × 512: the
    # plan of a run's memory is a second arena beside the one that the first run filled,
    # and a buffer that will be used again, if only much later, is not freed before.
    options.enable_mem_pattern = False
    options.enable_mem_reuse = False
    return options


@cache
def _share_arena(runtime: Any) -> None:
    """Make the arena that sessions may share; the process has one, and keeps it."""
    kind = (runtime.OrtAllocatorType.ORT_ARENA_ALLOCATOR, 0, runtime.OrtMemType.DEFAULT)
    exact = {
        "max_mem": 0,
        "arena_extend_strategy": 1,  # as much as requested
        "initial_chunk_size_bytes": -1,
        "max_dead_bytes_per_chunk": -1,
    }
    memory = runtime.OrtMemoryInfo("Cpu", *kind)
    try:
        runtime.create_and_register_allocator(memory, runtime.OrtArenaCfg(exact))
    except Exception as error:  # onnxruntime's own have no common base
        if "already" not in str(error):  # by whoever embeds us, who may have reasons
            raise


@cache
def _releasing(runtime: Any) -> Any:
    """Options of a run after which all that is free of the CPU's arena is returned."""
    options = runtime.RunOptions()
    options.add_run_config_entry("memory.enable_memory_arena_shrinkage", "cpu:0")
    return options


def _provider_name(device: str) -> str:
    provider = _PROVIDERS[device]
    return str(provider if isinstance(provider, str) else provider[0])


def _preload(runtime: Any) -> None:
    """Load CUDA from the wheels of the extra `gpu`; it prints what it does not find."""
    with redirect_stdout(StringIO()):
        runtime.preload_dlls()


def _unusable(device: str, reason: str = "") -> DeviceError:
    return DeviceError(
        f"device {device} was asked for but onnxruntime cannot use it here: "
        f"{reason + '; ' if reason else ''}install the GPU extra, pip install "
        '"lightstyle[gpu]", and a driver'
    )


def _thread_count(threads: int | None) -> int:
    """Threads for onnxruntime; 0 leaves it to choose one for each physical core.

    Its choice ignores affinity and quota, so it gets none where either is in force.
    """
    if threads is not None:
        return threads
    cpus = available_cpus()
    return 0 if cpus == os.cpu_count() else cpus


def _onnxruntime() -> Any:
    try:
        import onnxruntime

        onnxruntime.set_default_logger_severity(4)
        onnxruntime.disable_telemetry_events()
    except (ImportError, AttributeError) as error:
        # AttributeError: one of its two wheels was uninstalled over the other.
        raise DeviceError(
            'onnxruntime is not installed: pip install "lightstyle[cpu]", or '
            '"lightstyle[gpu]" for CUDA (only one of the two)'
        ) from error
    return onnxruntime


def _first_line(error: Exception) -> str:
    return (str(error).strip() or type(error).__name__).splitlines()[0]
