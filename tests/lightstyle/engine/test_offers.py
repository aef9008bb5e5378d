import sys
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest

from lightstyle.engine import offers, providers
from lightstyle.engine.provider import Provider
from lightstyle.engine.providers import HOST, PROVIDERS
from lightstyle.errors import DeviceError

PLUGIN = "a_plugin_of_a_test"

ROW = Provider(
    name="new",
    ort_name="NewExecutionProvider",
    extra="new",
    requires="a new GPU",
    plugin=PLUGIN,
    kinds=("GPU", "CPU"),
)


def _device(kind: str, name: str = ROW.ort_name) -> Any:
    hardware = SimpleNamespace(
        type=SimpleNamespace(name=kind), vendor_id=7, device_id=9
    )
    return SimpleNamespace(ep_name=name, device=hardware)


class _Runtime:
    """onnxruntime with a plugin that offers devices once it is registered."""

    __version__ = "9"

    def __init__(self, *devices: Any, failure: str = "") -> None:
        self.devices, self.failure = devices, failure
        self.registered: list[tuple[str, str]] = []

    def get_available_providers(self) -> list[str]:
        return [HOST.ort_name]

    def get_ep_devices(self) -> list[Any]:
        mine = self.devices if self.registered else ()
        return [_device("CPU", HOST.ort_name), *mine]

    def register_execution_provider_library(self, name: str, path: str) -> None:
        if self.failure:
            raise RuntimeError(self.failure)
        self.registered.append((name, path))


@pytest.fixture
def plugin(monkeypatch: pytest.MonkeyPatch) -> None:
    module = ModuleType(PLUGIN)
    module.get_library_path = lambda: "/lib/new.so"  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, PLUGIN, module)
    monkeypatch.setattr(offers, "is_installed", lambda row: True)


def _on(monkeypatch: pytest.MonkeyPatch, runtime: _Runtime) -> _Runtime:
    monkeypatch.setattr(providers, "onnxruntime", lambda: runtime)
    return runtime


def test_a_plugin_that_is_not_installed_is_told_with_what_to_install(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    _on(monkeypatch, _Runtime())
    with pytest.raises(DeviceError) as caught:
        offers.find(ROW)
    assert str(caught.value) == (
        "device new cannot be used: it is not installed; it needs pip install "
        '"lightstyle[new]" and a new GPU'
    )


@pytest.mark.usefixtures("plugin")
def test_a_plugin_without_a_device_is_told_with_what_it_needs(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    _on(monkeypatch, _Runtime(_device("NPU")))
    with pytest.raises(DeviceError, match="but found no device; it needs a new GPU"):
        offers.find(ROW)


@pytest.mark.usefixtures("plugin")
def test_a_library_that_does_not_load_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    said = "[ONNXRuntimeError] : 1 : FAIL : Failed to load library /lib/new.so with "
    _on(monkeypatch, _Runtime(failure=f"{said}error: libx.so.1: no such file\nmore"))
    with pytest.raises(DeviceError, match=r"be loaded: libx\.so\.1: no such file"):
        offers.find(ROW)


@pytest.mark.usefixtures("plugin")
def test_an_onnxruntime_that_is_too_old_for_a_plugin_is_told(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    _on(monkeypatch, _Runtime(failure="[ORT] : 1 : FAIL : version 1.23 is below 1.24."))
    with pytest.raises(DeviceError) as caught:
        offers.find(ROW)
    assert str(caught.value).endswith(
        "its library cannot be loaded: version 1.23 is below 1.24; install what it "
        "lacks, or update onnxruntime"
    )


@pytest.mark.usefixtures("plugin")
def test_a_library_is_registered_once_and_the_best_device_taken(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    runtime = _on(monkeypatch, _Runtime(_device("CPU"), _device("GPU"), _device("NPU")))
    for _ in range(2):
        assert offers.find(ROW).hardware.device.type.name == "GPU"
    assert runtime.registered == [(f"lightstyle.{PLUGIN}", "/lib/new.so")]


@pytest.mark.usefixtures("plugin")
def test_facts_change_with_driver_hardware_and_graph(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    _on(monkeypatch, _Runtime(_device("GPU")))
    graph, driver = tmp_path / "m.onnx", tmp_path / "driver"
    row = Provider(
        **{**vars(ROW), "drivers": (str(driver),), "variables": ("CHOSEN_GPU",)}
    )

    def facts() -> str:
        return str(offers.find(row).facts(graph))

    seen = {facts()}
    graph.write_bytes(b"a model")
    seen.add(facts())
    driver.write_text("1.0")
    seen.add(facts())
    driver.write_text("1.1")
    seen.add(facts())
    monkeypatch.setenv("CHOSEN_GPU", "1")
    seen.add(facts())
    assert len(seen) == 5
    assert facts() == facts()


PLUGINS = [row for row in PROVIDERS if row.plugin]


@pytest.mark.parametrize("row", PLUGINS, ids=lambda row: row.name)
def test_a_plugin_that_is_installed_here_loads_or_says_why_not(row: Provider) -> None:
    pytest.importorskip(row.plugin)
    try:
        offer = offers.find(row)
    except DeviceError as error:
        known = "found no device" in str(error), "cannot be loaded" in str(error)
        assert any(known)
    else:
        assert offer.hardware.ep_name == row.ort_name
