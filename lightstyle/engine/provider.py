"""A row of the table of devices: what is known of an execution provider."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ..errors import DeviceError
from ..settings.choices import Precision


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
        rougher: Options of each further precision, and the largest relative error of
            its gradient.
        precision: What it computes in.
        tolerance: Largest relative error of its gradient.
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
    rougher: Mapping[str, tuple[Mapping[str, str], float]] = field(default_factory=dict)
    precision: str = Precision.FLOAT32
    tolerance: float = 1e-3
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
