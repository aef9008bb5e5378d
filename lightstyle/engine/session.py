"""Sessions of ONNX Runtime: one graph, loaded on a device and run."""

from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any, Final

import numpy as np

from ..arrays import FloatArray
from ..errors import DeviceError, LightstyleError, ModelError
from ..lookup import trouble
from ..text import printable
from . import offers, ort_messages, providers
from .memory import shortage
from .provider import Provider
from .providers import HOST
from .threads import intra_op_threads

#: What the graphs call the height and the width of a picture, and the slots of a step.
_DIMENSIONS: Final = ("H", "W", "M")

#: Arrays by the name of the graph's input.
Feeds = Mapping[str, FloatArray]


class Session:
    """A loaded graph. Several threads may run it at the same time.

    Attributes:
        metadata: What the exporter wrote into the file.
        inputs: Names of the graph's inputs.
        outputs: Names of its outputs.
    """

    def __init__(
        self,
        path: Path,
        provider: Provider,
        threads: int | None,
        *,
        size: tuple[int, ...] | None = None,
        once: bool = False,
        shared_arena: bool = False,
    ) -> None:
        """Load the graph at `path`.

        Args:
            path: The graph's file.
            provider: Where to compute.
            threads: Threads on the CPU; by default as many as the process may use.
            size: Height and width of all pictures that the graph will be run on, and
                the slots of a step, if known.
            once: Whether it will be run a single time, so that nothing is prepared.
            shared_arena: Whether to share the memory of runs with other sessions, for
                graphs of which one runs at a time.

        Raises:
            ModelError: If the file is not there or ONNX Runtime cannot load it.
            TransferError: If there is no memory for it.
            DeviceError: If the provider, or ONNX Runtime, is not usable.
        """
        runtime = providers.onnxruntime()
        check_exists(path)
        options = _options(runtime, threads)
        for name, length in zip(_DIMENSIONS, size or (), strict=False):
            options.add_free_dimension_override_by_name(name, length)
        if shared_arena:
            _share_arena(runtime)
            options.add_session_config_entry("session.use_env_allocators", "1")
        if once:
            level = runtime.GraphOptimizationLevel.ORT_DISABLE_ALL
            options.graph_optimization_level = level
        if provider.whole and size:
            options.add_session_config_entry("session.disable_cpu_ep_fallback", "1")
        try:
            offer = offers.find(provider)
            self._session = offer.session(path, options, threads)
        except DeviceError:
            raise
        except Exception as error:  # onnxruntime's own have no common base
            if (lacking := shortage(error)) is not None:
                raise lacking from error
            reason = ort_messages.of_graph(error)
            if provider.self_test:
                unloaded = offers.unloaded(provider)
                problem = f"a device was offered, but does not work: {reason}"
                raise provider.unusable(unloaded or problem) from error
            raise ModelError(
                f"model {path} cannot be loaded: {reason}; make it again with "
                "`lightstyle export`"
            ) from error
        try:
            self.metadata = dict(self._session.get_modelmeta().custom_metadata_map)
            self.inputs = tuple(feed.name for feed in self._session.get_inputs())
            self.outputs = tuple(each.name for each in self._session.get_outputs())
        except UnicodeError as error:
            raise ModelError(
                f"model {path} cannot be loaded: its names are no text; make it again "
                "with `lightstyle export`"
            ) from error
        self._path = path
        self._provider = provider

    def run(self, feeds: Feeds, *, release: bool = False) -> dict[str, Any]:
        """Run once and return all outputs by name.

        Args:
            feeds: Arrays by name.
            release: Whether to give the arena back to the system afterwards; the next
                run has to ask for it again.

        Raises:
            ModelError: If ONNX Runtime fails, or an output is no array of numbers.
            TransferError: If there is not enough memory.
        """
        options = _releasing(providers.onnxruntime()) if release else None
        try:
            values = self._session.run(self.outputs, dict(feeds), options)
        except Exception as error:  # onnxruntime's own have no common base
            raise self._failed(error) from error
        outputs = dict(zip(self.outputs, values, strict=True))
        for name, value in outputs.items():
            if not isinstance(value, np.ndarray) or value.dtype.kind != "f":
                raise ModelError(
                    f"running {self._path} failed: {printable(name, 80)} is no array "
                    "of floating-point numbers"
                )
        return outputs

    def place(self, array: FloatArray) -> Any:
        """Return the array as an `OrtValue` on the device; the CPU copies nothing."""
        value = providers.onnxruntime().OrtValue
        return value.ortvalue_from_numpy(array, self._provider.place)

    def run_bound(
        self,
        feeds: Mapping[str, Any],
        outputs: Sequence[str] | None = None,
        *,
        read: Sequence[str] = (),
        into: Mapping[str, Any] | None = None,
    ) -> dict[str, Any]:
        """Run once on tensors of the device, and leave the outputs there.

        Args:
            feeds: `OrtValue` by name, as `place` returns; it is read where it lies.
            outputs: Names of the outputs to keep on the device, by default all.
            read: Names of those to copy to the host.
            into: Memory for some of the outputs, `OrtValue` by name; others get new.

        Returns:
            `OrtValue` by name, fit to be fed to a session on the same device, and an
            array for each of `read`.

        Raises:
            ModelError: If ONNX Runtime fails.
            TransferError: If there is not enough memory.
        """
        outputs = self.outputs if outputs is None else outputs
        binding, into = self._session.io_binding(), into or {}
        try:
            for name, value in feeds.items():
                binding.bind_ortvalue_input(name, value)
            for name in outputs:
                if name in into:
                    binding.bind_ortvalue_output(name, into[name])
                else:
                    binding.bind_output(name, self._provider.place)
            for name in read:
                binding.bind_output(name)
            self._session.run_with_iobinding(binding)
        except Exception as error:  # onnxruntime's own have no common base
            raise self._failed(error) from error
        made = dict(zip((*outputs, *read), binding.get_outputs(), strict=True))
        # Only the values that were given keep the arrays alive that hold them.
        return made | dict(into) | {name: made[name].numpy() for name in read}

    def _failed(self, error: Exception) -> LightstyleError:
        return shortage(error) or ModelError(
            f"running {self._path} failed: {ort_messages.of_run(error)}"
        )


class Bound:
    """A session whose tensors stay on its device, with some that are fed each time."""

    def __init__(self, session: Session, fixed: Feeds) -> None:
        """Place the arrays of `fixed` that the session takes on its device."""
        self._session = session
        self._fixed = {n: self.place(fixed[n]) for n in session.inputs if n in fixed}

    def place(self, array: FloatArray) -> Any:
        """Return an array, as float32, as an `OrtValue` on the device."""
        return self._session.place(np.ascontiguousarray(array, np.float32))

    def run(
        self, feeds: Mapping[str, Any], *outputs: Any, **more: Any
    ) -> dict[str, Any]:
        """Run once; the arguments are those of `Session.run_bound`."""
        return self._session.run_bound({**self._fixed, **feeds}, *outputs, **more)


def check_exists(path: Path) -> None:
    """Refuse a path at which there is no graph."""
    if what := trouble(path):
        raise ModelError(f"model {path} {what}: make it with `lightstyle export`")


def _options(runtime: Any, threads: int | None) -> Any:
    options = runtime.SessionOptions()
    options.log_severity_level = 4  # errors arrive as exceptions, not as lines
    options.intra_op_num_threads = intra_op_threads(threads)
    # Both save allocations and cost memory, half as much again at 512 × 512: the plan
    # of a run's memory is a second arena beside the one that the first run filled, and
    # a buffer that is used again, if only much later, is not freed in between.
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
    """Return run options that give the CPU arena's free memory back afterwards."""
    options = runtime.RunOptions()
    key = "memory.enable_memory_arena_shrinkage"
    options.add_run_config_entry(key, f"{HOST.name}:0")
    return options
