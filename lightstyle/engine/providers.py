"""Execution providers of ONNX Runtime, and which of them computes.

To add a device, add a row to `PROVIDERS`: nothing else in the package knows a
provider's name.

A session runs on the device that was asked for, or is not made. ONNX Runtime itself
falls back to the CPU in silence when CUDA's libraries are missing, so the provider of
every session is verified after it was made, and a GPU must evaluate once to count.
"""

from collections.abc import Callable, Mapping
from contextlib import redirect_stdout
from dataclasses import dataclass, field
from io import StringIO
from pathlib import Path
from typing import Any, Final

from .. import contract, onnx_runtime
from ..errors import DeviceError, UsageError
from .memory import shortage


@dataclass(frozen=True)
class Provider:
    """An execution provider, and the device that it computes on.

    Attributes:
        name: The word for ``--device``, which is also ONNX Runtime's name of the
            device's memory.
        ort_name: ONNX Runtime's name of the provider.
        extra: The extra of the package that installs it.
        requires: What it needs beside the extra, for the user.
        options: Options of the provider.
        graph_form: Returns the path of the evaluation graph in the form that is fast on
            the device, given the model's; None for the form that runs everywhere.
        warm_up: Called with ONNX Runtime before a session is made.
        self_test: Whether the provider may be listed although it does not work, so that
            it must evaluate once to count.
    """

    name: str
    ort_name: str
    extra: str
    requires: str = ""
    options: Mapping[str, str] = field(default_factory=dict)
    graph_form: Callable[[Path], Path] | None = None
    warm_up: Callable[[Any], None] | None = None
    self_test: bool = False

    def unusable(self, reason: str) -> DeviceError:
        """Return the error for a device that cannot be used, with what to install."""
        also = f" and {self.requires}" if self.requires else ""
        return DeviceError(
            f"device {self.name} cannot be used: {reason}; it needs "
            f'pip install "lightstyle[{self.extra}]"{also}'
        )


def _load_cuda(runtime: Any) -> None:
    """Load CUDA's libraries from the wheels of the extra.

    ONNX Runtime prints what it does not find.
    """
    with redirect_stdout(StringIO()):
        runtime.preload_dlls()


#: The provider that every build of ONNX Runtime has, and that cannot fail.
HOST: Final = Provider(
    name="cpu",
    ort_name="CPUExecutionProvider",
    extra="cpu",
    graph_form=contract.cpu_path,
)

#: All providers; ``auto`` takes the last that works.
PROVIDERS: Final = (
    HOST,
    Provider(
        name="cuda",
        ort_name="CUDAExecutionProvider",
        extra="gpu",
        requires="an NVIDIA driver",
        # The exhaustive search for algorithms starts anew for every shape. The noise
        # of TF32 reaches the line search.
        options={"cudnn_conv_algo_search": "HEURISTIC", "use_tf32": "0"},
        warm_up=_load_cuda,
        # Without cuDNN a session is made, and its first run fails.
        self_test=True,
    ),
)

#: Words for ``--device``; the first stands for the best device that works.
DEVICES: Final = ("auto", *(provider.name for provider in PROVIDERS))


def candidates(device: str) -> tuple[Provider, ...]:
    """Return the providers to try for `device`, the best first.

    Raises:
        UsageError: If `device` is not one of `DEVICES`.
        DeviceError: If ONNX Runtime is not installed.
    """
    if device not in DEVICES:
        raise UsageError(f"device is {device}, expected one of {', '.join(DEVICES)}")
    if device == DEVICES[0]:
        return available()[::-1]
    return tuple(each for each in PROVIDERS if each.name == device)


def available() -> tuple[Provider, ...]:
    """Return the providers that ONNX Runtime lists, whether or not they work.

    Raises:
        DeviceError: If ONNX Runtime is not installed.
    """
    return tuple(each for each in PROVIDERS if each.ort_name in listed())


def listed() -> tuple[str, ...]:
    """Return ONNX Runtime's names of the providers that it was built with.

    Raises:
        DeviceError: If ONNX Runtime is not installed.
    """
    return tuple(onnxruntime().get_available_providers())


def onnxruntime() -> Any:
    """Import ONNX Runtime.

    Raises:
        DeviceError: If it is not installed.
        TransferError: If there is no memory for it.
    """
    try:
        return onnx_runtime.load()
    except (ImportError, AttributeError) as error:
        if (lacking := shortage(error)) is not None:
            raise lacking from error
        extras = " or ".join(
            f'"lightstyle[{each.extra}]" for {each.name}' for each in PROVIDERS
        )
        raise DeviceError(
            f"onnxruntime is not installed: pip install {extras} (only one of them)"
        ) from error
