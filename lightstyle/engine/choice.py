"""Chooses the device of a model: the named one, or the fastest that is right.

Before its first run on a machine a device proves itself on small pictures; the verdict
is kept. A device that was named and does not work is an error. ``auto`` leaves it out.
"""

from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Generic, TypeVar

from .. import contract
from ..errors import DeviceError, TransferError
from ..lookup import is_file
from ..settings.choices import Precision
from . import offers, providers, trial, verdicts
from .offers import Offer
from .provider import Provider
from .providers import HOST
from .trial import Evaluating
from .verdicts import Verdict

_M = TypeVar("_M", bound=Evaluating)


@dataclass(frozen=True)
class Choice(Generic[_M]):
    """The devices that a model could be loaded on.

    Attributes:
        make: Loads the model on the device of a provider.
        graph: The model's evaluation graph.
        threads: Threads of a run on the CPU; None for as many as there are.
        precision: What the device computes in.
    """

    make: Callable[[Provider], _M]
    graph: Path
    threads: int | None
    precision: str = Precision.FLOAT32
    _loaded: dict[str, _M] = field(default_factory=dict)

    def load(self, device: str) -> _M:
        """Return the model on the device called `device`.

        Raises:
            UsageError: If there is no such device, or it lacks the precision.
            DeviceError: If it was named and cannot be used.
            ModelError: If the model cannot be loaded.
        """
        row = providers.named(device)
        if row is None and self.precision == HOST.precision:
            return self._fastest()
        if row is None:  # few have another one
            row = next(r for r in providers.PROVIDERS if self.precision in r.rougher)
        row = providers.at(self.precision, row)
        if not row.self_test:
            return self._model(row)
        offer = offers.find(row)
        verdict = self._known(offer)
        if verdict is None or verdict.fault:  # which may have been mended
            verdict = self._tried(offer)
        if verdict.fault:
            advice = "update its driver, or choose another --device"
            raise row.unusable(f"it failed its self-test: {verdict.fault}", advice)
        return self._model(row)

    def _fastest(self) -> _M:
        found = [*offered()]
        if not found:
            return self._model(HOST)
        tried = [
            (self._known(offer) or self._attempted(offer), offer.provider)
            for offer in (Offer(HOST), *found)
        ]
        working = [(verdict.rate, row) for verdict, row in tried if not verdict.fault]
        _, best = max(working, key=lambda each: each[0], default=(0.0, HOST))
        return self._model(best)

    def _model(self, row: Provider) -> _M:
        """Return the model on a device, loaded once."""
        if row.name not in self._loaded:
            self._loaded[row.name] = self.make(row)
        return self._loaded[row.name]

    def _known(self, offer: Offer) -> Verdict | None:
        return verdicts.find(offer.provider.name, self._facts(offer))

    def _attempted(self, offer: Offer) -> Verdict:
        """Try a device; one on which no session works is refused like any other."""
        row = offer.provider
        try:
            return self._tried(offer)
        except TransferError as error:  # there is no memory, which may change
            return Verdict(row.name, {}, str(error))
        except DeviceError as error:
            verdict = Verdict(row.name, self._facts(offer), row.reason(error))
            verdicts.keep(verdict)
            return verdict

    def _tried(self, offer: Offer) -> Verdict:
        """Try a device on small pictures, and keep the verdict.

        Raises:
            DeviceError: If no session works on it.
        """
        row = offer.provider
        model, host = self._model(row), self._model(HOST)
        fault = trial.fault(model, host, row.tolerance) if row.self_test else ""
        rate = 0.0 if fault else trial.rate(model, host)
        verdict = Verdict(row.name, self._facts(offer), fault, rate)
        verdicts.keep(verdict)
        return verdict

    def _facts(self, offer: Offer) -> dict[str, str]:
        facts = offer.facts(self.graph)
        if offer.provider is HOST:
            facts["threads"] = str(self.threads)
        return facts


def offered() -> Iterator[Offer]:
    """Yield all devices but the CPU that are offered here, whether or not they work."""
    for row in providers.PROVIDERS:
        if row.self_test:
            with suppress(DeviceError):
                yield offers.find(row)


def described(graph: Path) -> Iterator[str]:
    """Describe each device for the user: whether it would run a model, or why not.

    Nothing is tried for this.

    Args:
        graph: The model's evaluation graph.

    Raises:
        DeviceError: If ONNX Runtime is not installed.
    """
    providers.onnxruntime()
    for row in providers.PROVIDERS:
        yield f"{row.name}: {_described(row, graph)}"


def _described(row: Provider, graph: Path) -> str:
    own = row.graph_form is not None and is_file(row.graph_form(graph))
    runs = f"runs {'its own' if own else 'the portable'} graphs"
    if row.resident and is_file(contract.step_path(graph)):
        runs += ", keeps pictures while they are optimised"
    if not row.self_test:
        return f"usable; {runs}"
    try:
        offer = offers.find(row)
    except DeviceError as error:
        return row.reason(error)
    verdict = verdicts.find(row.name, offer.facts(graph))
    if verdict is None:
        return f"offered; tested before its first run; {runs}"
    if verdict.fault:
        return f"refused: {verdict.fault}"
    rate = f"{verdict.rate / 1e6:.2g} megapixels a second"
    return f"usable; it passed its test, {rate}; {runs}"
