"""Devices other than the CPU, where there is one; WebGPU on a software adapter."""

import json
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from export import build_model
from lightstyle.engine.providers import HOST
from lightstyle.errors import ExitCode
from lightstyle.records.record import Record
from tests.support import gpus
from tests.support.networks import image, tiny_weights

_webgpu = (gpus.needs_webgpu, gpus.needs_adapter)
_cuda = pytest.mark.skipif(gpus.cuda_is_missing(), reason="there is no CUDA here")

DEVICES = [
    pytest.param("webgpu", marks=_webgpu),
    pytest.param("cuda", marks=(pytest.mark.cuda, _cuda)),
]


@pytest.fixture(scope="module")
def shallow_model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A model of two blocks: a software adapter takes a second for ten kernels."""
    path = tmp_path_factory.mktemp("model") / "shallow.onnx"
    build_model(
        tiny_weights(),
        path,
        content_layers=["conv2_2"],
        style_layers=["conv1_1", "conv2_1"],
        lowering="none",
    )
    return path


def _report(device: str, model: Path, folder: Path) -> dict[str, Any]:
    made = gpus.environment(device, folder)
    done = gpus.run(
        "-m", "tests.support.device_report", device, model, environment=made
    )
    assert done.returncode == 0, done.stderr
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def _check(device: str, model: Path, folder: Path) -> None:
    found = _report(device, model, folder)
    assert len(found["distances"]) > 10
    assert max(found["distances"].values()) < 1e-4, found["distances"]
    for graph, nodes in found["nodes"].items():
        assert HOST.ort_name not in nodes, graph
        assert sum(nodes.values()) > 10
    assert found["described"].startswith(f"{device}: usable; it passed its test")
    if device == "webgpu":  # on a software adapter
        assert found["auto"] == "cpu"
    kept = json.loads((folder / "cache" / "devices.json").read_text())
    assert {verdict["device"] for verdict in kept} >= {device, "cpu"}


@pytest.mark.parametrize("device", DEVICES)
def test_a_device_computes_what_the_cpu_computes_and_leaves_it_no_node(
    device: str, shallow_model: Path, tmp_path: Path
) -> None:
    _check(device, shallow_model, tmp_path)


@pytest.mark.slow
@pytest.mark.parametrize("device", DEVICES)
def test_a_device_computes_whole_vgg19_as_the_cpu_does(
    device: str, tiny_model: Path, tmp_path: Path
) -> None:
    _check(device, tiny_model, tmp_path)


@pytest.mark.slow
@pytest.mark.parametrize("device", DEVICES)
def test_a_device_paints_a_picture(
    device: str, tiny_model: Path, tmp_path: Path
) -> None:
    content, style, out = (tmp_path / f"{name}.png" for name in "cso")
    for seed, path in enumerate((content, style)):
        Image.fromarray(image(32, 32, seed)).save(path)
    made = gpus.environment(device, tmp_path)
    made["LIGHTSTYLE_MODEL"] = str(tiny_model)
    options = ["--device", device, "--size", 32, "--iterations", 2, "-o", out]
    done = gpus.run(*("cli.py", "stylize", content, style, *options), environment=made)
    assert done.returncode == 0, done.stderr
    assert f"on {device}" in done.stderr
    assert Record.read(out).environment["device"] == device


@gpus.needs_webgpu
@pytest.mark.parametrize(
    ("changes", "words"),
    [
        pytest.param(
            {"ORT_WEBGPU_EP_ALLOW_SOFTWARE_ADAPTER": "0"},
            "it is installed, but found no device; it needs a GPU",
            marks=pytest.mark.skipif(gpus.gpu_is_offered(), reason="there is a GPU"),
        ),
        pytest.param(
            {"VK_ICD_FILENAMES": "/no/such/driver.json"},
            "a device was offered, but does not work: Failed to get a WebGPU adapter",
            marks=gpus.needs_adapter,
        ),
        pytest.param(
            {"LD_LIBRARY_PATH": ""},
            "a library cannot be loaded: libvulkan.so.1: cannot open shared object",
            marks=pytest.mark.skipif(
                gpus.vulkan_is_installed(), reason="the system has a Vulkan loader"
            ),
        ),
    ],
    ids=["no device", "no adapter", "no library"],
)
def test_a_gpu_that_cannot_work_is_told_on_one_line(
    changes: dict[str, str], words: str, shallow_model: Path, tmp_path: Path
) -> None:
    made = gpus.environment("webgpu", tmp_path) | changes
    for seed, name in enumerate(("c.png", "s.png")):
        Image.fromarray(image(48, 48, seed)).save(tmp_path / name)
    command = ["cli.py", "stylize", tmp_path / "c.png", tmp_path / "s.png"]
    options = ["--device", "webgpu", "--model", shallow_model, "-o", tmp_path / "o.png"]
    layers = ["--content-layers=conv2_2", "--style-layers=conv1_1,conv2_1"]
    done = gpus.run(*command, *options, *layers, environment=made)
    (line,) = done.stderr.splitlines()
    assert line.startswith("error: device webgpu cannot be used: ")
    assert words in line
    assert done.returncode == ExitCode.DEVICE
    assert not (tmp_path / "o.png").exists()
