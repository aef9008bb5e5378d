"""Execution providers of ONNX Runtime: the one table of devices.

To add a device, add a row to `PROVIDERS`: nothing else in the package knows a
provider's name. `offers` finds its hardware on this machine, `self_test` compares its
numbers with the CPU's, and `choice` decides.
"""

import json
from collections.abc import Callable, Mapping
from contextlib import redirect_stdout
from dataclasses import dataclass, field
from io import StringIO
from pathlib import Path
from typing import Any, Final

from .. import contract, onnx_runtime
from ..errors import DeviceError, UsageError
from .memory import shortage
from .threads import intra_op_threads


@dataclass(frozen=True)
class Provider:
    """An execution provider, and the device that it computes on.

    Attributes:
        name: The word for ``--device``.
        ort_name: ONNX Runtime's name of the provider.
        extra: The extra of the package that installs it.
        requires: What it needs beside the extra, for the user.
        plugin: Module of the package whose library ONNX Runtime loads; empty for a
            provider that is built into ONNX Runtime.
        kinds: ONNX Runtime's kinds of hardware that a plugin may be given, the best
            first.
        options: Options of the provider.
        hardware_options: Returns further options, given the kind of hardware and the
            threads of the run.
        graph_form: Returns the path of the evaluation graph in the form that is fast on
            the device, given the model's; None for the form that runs everywhere.
        fixed_sizes: Whether a graph gets a session for each size, in which the
            arithmetic of shapes is done beforehand: it would run on the CPU.
        whole: Whether a graph of a fixed size of which any node would run on the CPU is
            refused.
        resident: Whether pictures stay on the device while they are optimised, so that
            the optimiser's step is a graph there.
        in_place: Whether that step writes into its history; if not, it makes a new one.
        memory: ONNX Runtime's name of the device's memory; empty for `name`.
        preload: Loads the libraries that the provider needs, given ONNX Runtime, and
            returns what it says of those that it did not find.
        library: A library of the driver, on Linux.
        packages: Packages of Python whose versions decide what the provider computes.
        drivers: Patterns of files that change when the driver or the hardware does.
        variables: Environment variables that choose driver or hardware.
        self_test: Whether it has to compute what the CPU computes before it is used.
    """

    name: str
    ort_name: str
    extra: str
    requires: str = ""
    plugin: str = ""
    kinds: tuple[str, ...] = ()
    options: Mapping[str, str] = field(default_factory=dict)
    hardware_options: Callable[[str, int | None], Mapping[str, str]] | None = None
    graph_form: Callable[[Path], Path] | None = None
    fixed_sizes: bool = False
    whole: bool = False
    resident: bool = False
    in_place: bool = True
    memory: str = ""
    preload: Callable[[Any], str] | None = None
    library: str = ""
    packages: tuple[str, ...] = ()
    drivers: tuple[str, ...] = ()
    variables: tuple[str, ...] = ()
    self_test: bool = True

    @property
    def place(self) -> str:
        """ONNX Runtime's name of the memory in which it computes."""
        return self.memory or self.name

    @property
    def install(self) -> str:
        """What to do to have it, for the user."""
        also = f" and {self.requires}" if self.requires else ""
        return f'pip install "lightstyle[{self.extra}]"{also}'

    def unusable(self, reason: str, advice: str = "") -> DeviceError:
        """Return the error for a device that cannot be used, with what to do."""
        advice = advice or f"it needs {self.requires or self.install}"
        return DeviceError(f"{self._refusal}{reason}; {advice}")

    def reason(self, error: DeviceError) -> str:
        """Return why the device cannot be used, as `unusable` was told."""
        return str(error).removeprefix(self._refusal)

    @property
    def _refusal(self) -> str:
        return f"device {self.name} cannot be used: "


def _load_cuda(runtime: Any) -> str:
    """Load CUDA's libraries from the wheels of the extra.

    ONNX Runtime prints what it does not find: ``Failed to load NAME: reason``.
    """
    printed = StringIO()
    with redirect_stdout(printed):
        runtime.preload_dlls()
    return printed.getvalue()


def _openvino_options(kind: str, threads: int | None) -> dict[str, str]:
    """Return options for float32: its default is bfloat16 where a CPU has that.

    The gradient is off by 6.5 % then. The plugin ignores options that name a precision
    or threads by themselves, and takes them from this one.
    """
    config: dict[str, Any] = {"INFERENCE_PRECISION_HINT": "f32"}
    if kind == "CPU" and (count := intra_op_threads(threads)):
        config["INFERENCE_NUM_THREADS"] = count
    return {"load_config": json.dumps({kind: config})}


#: The provider that every build of ONNX Runtime has, and that cannot fail.
HOST: Final = Provider(
    name="cpu",
    ort_name="CPUExecutionProvider",
    extra="cpu",
    graph_form=contract.cpu_path,
    self_test=False,
)

#: All providers. Where they are equally fast, ``auto`` takes the first.
PROVIDERS: Final = (
    HOST,
    Provider(
        name="cuda",
        ort_name="CUDAExecutionProvider",
        extra="gpu",
        requires="an NVIDIA GPU with a recent driver",
        # The exhaustive search for algorithms starts anew for every shape. The noise
        # of TF32 reaches the line search.
        options={"cudnn_conv_algo_search": "HEURISTIC", "use_tf32": "0"},
        fixed_sizes=True,
        resident=True,
        preload=_load_cuda,
        library="libcuda.so.1",
        packages=("onnxruntime-gpu", "nvidia-cudnn-cu13", "nvidia-cublas"),
        drivers=("/proc/driver/nvidia/version", "/proc/driver/nvidia/gpus/*/info*"),
        variables=("CUDA_VISIBLE_DEVICES", "LD_LIBRARY_PATH", "NVIDIA_TF32_OVERRIDE"),
    ),
    Provider(
        name="webgpu",
        ort_name="WebGpuExecutionProvider",
        extra="webgpu",
        requires="a GPU with a driver for Vulkan, Metal or Direct3D 12",
        plugin="onnxruntime_ep_webgpu",
        # A CPU is offered where a software adapter is allowed, as in tests.
        kinds=("GPU", "CPU"),
        # The other layout costs a transposition around every convolution.
        options={"preferredLayout": "NCHW"},
        fixed_sizes=True,
        whole=True,
        resident=True,
        in_place=False,  # its ScatterND writes one element after the other
        library="libvulkan.so.1",
        packages=("onnxruntime-ep-webgpu",),
        drivers=("/etc/vulkan/icd.d/*.json", "/usr/share/vulkan/icd.d/*.json"),
        variables=(
            *("VK_DRIVER_FILES", "VK_ICD_FILENAMES", "LD_LIBRARY_PATH"),
            "ORT_WEBGPU_EP_ALLOW_SOFTWARE_ADAPTER",
        ),
    ),
    Provider(
        name="openvino",
        ort_name="OpenVINOExecutionProvider",
        extra="openvino",
        requires="a CPU or GPU made by Intel",
        plugin="onnxruntime_ep_openvino",
        kinds=("GPU", "CPU"),  # an NPU computes in 16 bits
        hardware_options=_openvino_options,
        memory="cpu",
        packages=("onnxruntime-ep-openvino",),
    ),
)

#: Words for ``--device``; the first stands for the fastest device that works.
DEVICES: Final = ("auto", *(provider.name for provider in PROVIDERS))


def named(device: str) -> Provider | None:
    """Return the provider called `device`, or None for ``auto``.

    Raises:
        UsageError: If `device` is not one of `DEVICES`.
    """
    if device not in DEVICES:
        raise UsageError(f"device is {device}, expected one of {', '.join(DEVICES)}")
    return next((each for each in PROVIDERS if each.name == device), None)


def listed() -> tuple[str, ...]:
    """Return ONNX Runtime's names of the providers that it has.

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
            f'"lightstyle[{each.extra}]" for {each.name}'
            for each in PROVIDERS
            if not each.plugin
        )
        raise DeviceError(
            f"onnxruntime is not installed: pip install {extras} (only one of them)"
        ) from error
