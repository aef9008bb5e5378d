"""Execution providers of ONNX Runtime: the one table of devices.

To add a device, add a row to `PROVIDERS`: nothing else in the package knows a
provider's name. `offers` finds its hardware on this machine, `self_test` compares its
numbers with the CPU's, and `choice` decides.
"""

import json
from contextlib import redirect_stdout
from dataclasses import replace
from io import StringIO
from typing import Any, Final

from .. import contract, onnx_runtime
from ..errors import DeviceError, UsageError
from ..settings.choices import Precision
from ..settings.scalars import any_of
from .memory import shortage
from .provider import Provider
from .threads import intra_op_threads


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
        # With bfloat16, an eighth as precise, gradients were off by 6.5e-2.
        rougher={Precision.TF32: ({"use_tf32": "1"}, 2e-2)},
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


def at(precision: str, row: Provider) -> Provider:
    """Return a provider that computes in a precision.

    Raises:
        UsageError: If it cannot.
    """
    if precision == row.precision:
        return row
    if precision not in row.rougher:
        able = any_of(each.name for each in PROVIDERS if precision in each.rougher)
        raise UsageError(
            f"precision is {precision}, which device {row.name} does not have: choose "
            f"{row.precision}, or --device {able}"
        )
    options, tolerance = row.rougher[precision]
    options = {**row.options, **options}
    return replace(row, options=options, precision=precision, tolerance=tolerance)


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
