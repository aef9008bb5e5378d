"""The graphs of a model on a device, and their sessions for the size at hand.

A provider may have a form of the graphs of its own, which is used where the model has
it: on the CPU, graphs that are fed with mapped kernels, made once when they are loaded.
These, and those of GPUs, get a session for each size, in which ONNX Runtime leaves out
what that size does not need. Each graph keeps its two latest sessions, because they
hold on to the memory of the largest run they have seen.
"""

from collections.abc import Callable
from functools import partial
from pathlib import Path
from threading import Lock
from typing import Any, Final

from .. import contract
from ..errors import ModelError
from ..lookup import is_file
from . import memory, signature
from .costs import Costs
from .model_info import ModelInfo, read_info
from .provider import Provider
from .providers import HOST
from .session import Bound, Feeds, Session, check_exists

#: How the names of feeds begin that have the height and width of a picture or part.
_SIZED: Final = (contract.IMAGE, contract.PART, contract.activation(""))

#: Number of sizes for which a graph keeps sessions.
_KEPT: Final = 2


class Graphs:
    """The graphs of a model. Several threads may run them at the same time.

    Attributes:
        info: What the exporter wrote into them.
        costs: Memory and work of the graphs; None if pictures cannot be cut.
    """

    def __init__(self, model: Path, provider: Provider, threads: int | None) -> None:
        """Load the graphs of the model at `model`.

        Raises:
            ModelError: If a file is missing, damaged, or not of this model and schema.
            DeviceError: If the provider cannot be used.
        """
        check_exists(model)
        form = provider.graph_form
        self._fast = form is not None and is_file(form(model))
        self._by_size = self._fast or provider.fixed_sizes
        evaluation = form(model) if form is not None and self._fast else model
        guided = contract.guided_path(evaluation)
        self._step = contract.step_path(
            model if provider.in_place else contract.webgpu_path(model)
        )
        self._resident = provider.resident
        self._roles = contract.graph_paths(model)
        self._paths = {role: path for path, role in self._roles.items()} | {
            contract.EVALUATION: evaluation,
            contract.TARGETS: contract.targets_path(evaluation),
            contract.STEP: self._step,
            contract.GUIDED + contract.EVALUATION: guided,
            contract.GUIDED + contract.TARGETS: contract.targets_path(guided),
        }
        self._new = partial(Session, provider=provider, threads=threads)
        self._model, self._known = model, None
        self._constants: Feeds = {}
        self._graphs: dict[str, _Graph] = {}
        self._lock = Lock()
        metadata = self._graph(contract.EVALUATION).metadata
        self.info = self._known = read_info(model, metadata)
        self.costs = Costs.parse(metadata, self.info.blocks) if self._fast else None
        self._graph(contract.TARGETS)
        if self._fast:
            kernels = contract.kernels_path(model)
            self._constants = self._checked(kernels, once=True).run({})

    def feeds(self, use: str) -> tuple[str, ...]:
        """Return the names of a graph's feeds; `use` is as in `run`."""
        names = self._graph(use).inputs
        return tuple(name for name in names if name not in self._constants)

    def run(self, use: str, feeds: Feeds) -> dict[str, Any]:
        """Run the graph for `use` on a whole picture.

        Args:
            use: ``evaluation`` or ``targets``, with ``guided`` in front for regions.
            feeds: Arrays by name; those that are not the graph's are ignored.

        Returns:
            Outputs by name.

        Raises:
            ModelError: If there is no such graph, a feed is missing, or ONNX Runtime
                fails.
        """
        # Targets are wanted once: afterwards the memory is for the evaluations.
        release = self._fast and use.endswith(contract.TARGETS)
        return self._graph(use).run({**feeds, **self._constants}, release=release)

    @property
    def keeps_pictures(self) -> bool:
        """Whether pictures stay on the device while they are optimised."""
        return self._resident and is_file(self._step)

    def bound(self, use: str, size: tuple[int, ...], feeds: Feeds) -> Bound:
        """Return the graph for `use` at a size, with what is fed to it each time.

        Args:
            use: As in `run`, or the role of the step.
            size: Height and width of the pictures, and the slots of a step.
            feeds: Arrays by name; those that are not the graph's are ignored.

        Raises:
            ModelError: If there is no such graph.
        """
        session = self._graph(use).session(size)
        return Bound(session, {**feeds, **self._constants})

    def run_part(self, role: str, feeds: Feeds, *, last: bool) -> dict[str, Any]:
        """Run the graph of `role` on a part of a picture.

        Args:
            role: Role of the contract.
            feeds: Arrays by name; those that are not the graph's are ignored.
            last: Whether another graph is next. Its buffers have other sizes, so those
                of this one are given back to the system.

        Returns:
            Outputs by name.

        Raises:
            ModelError: If there is no such graph, or ONNX Runtime fails.
        """
        outputs = self._graph(role).run({**feeds, **self._constants}, release=last)
        if last:
            memory.give_back()
        return outputs

    def _graph(self, use: str) -> "_Graph":
        """Return the graph for `use`, as in `run`, or of a role, loaded when needed."""
        with self._lock:
            if use not in self._graphs:
                new = partial(self._checked, self._paths[use], shared_arena=self._fast)
                by_size = self._by_size and use != contract.HEADS
                self._graphs[use] = _Graph(new, by_size=by_size)
            return self._graphs[use]

    def _checked(self, path: Path, **options: Any) -> Session:
        """Load the graph at `path`, which the old weights are fed to.

        Its file may have been replaced since the others were loaded.
        """
        session = self._new(path, **options)
        _check(session, self._roles[path], path, self._model, self._known)
        return session


def check_files(model: Path) -> None:
    """Check the graphs in every form that the model at `model` has.

    Raises:
        ModelError: If one is missing, damaged, or not of this model and schema.
    """
    info = None
    for path, role in reversed(contract.graph_paths(model).items()):
        if is_file(path) or role in (contract.EVALUATION, contract.TARGETS):
            session = Session(path, HOST, None, once=True)
            info = _check(session, role, path, model, info)


class _Graph:
    """A graph with its sessions: one for any size, or one per size of the latest."""

    def __init__(self, new: Callable[..., Session], *, by_size: bool) -> None:
        """Load the graph with `new`, which takes options of `Session`."""
        self._new, self._by_size = new, by_size
        # Without a size it only tells names, which the CPU's does at once.
        first = new(once=True, provider=HOST) if by_size else new()
        self.metadata, self.inputs = first.metadata, first.inputs
        self._sessions: dict[Any, Session] = {} if by_size else {None: first}
        self._lock = Lock()

    def run(self, feeds: Feeds, *, release: bool = False) -> dict[str, Any]:
        needed = {name: feeds[name] for name in self.inputs if name in feeds}
        size = None
        if self._by_size:
            pixels = (x.shape[2:] for n, x in needed.items() if n.startswith(_SIZED))
            size = next(pixels, None)
        return self.session(size).run(needed, release=release)

    def session(self, size: tuple[int, ...] | None) -> Session:
        """Return the session for `size`, None for any; it becomes the latest."""
        size = size if self._by_size else None
        with self._lock:
            session = self._sessions.pop(size, None)
            if session is None:
                session = self._new(size=size)
                for old in list(self._sessions)[: 1 - _KEPT]:
                    del self._sessions[old]
            self._sessions[size] = session
            return session


def _check(
    session: Session, role: str, path: Path, model: Path, known: ModelInfo | None
) -> ModelInfo:
    """Refuse a graph of another role, schema or model, or one that gives too little.

    Args:
        session: The loaded graph.
        role: Role that it must have.
        path: Its path.
        model: Path of its model.
        known: What is known of the model, if another graph was loaded before.

    Returns:
        What is known of the model now.

    Raises:
        ModelError: If it is refused.
    """
    metadata = session.metadata
    schema = metadata.get(contract.META_SCHEMA)
    if schema is None:
        raise ModelError(
            f"model {path} was not made by Lightstyle: make one with "
            "`lightstyle export`"
        )
    if schema != str(contract.SCHEMA):
        raise ModelError(
            f"model {path} has schema {schema}, expected {contract.SCHEMA}: "
            "make it again with `lightstyle export`"
        )
    if metadata.get(contract.META_ROLE) != role:
        found = metadata.get(contract.META_ROLE)
        raise ModelError(
            f"model {path} holds the {found} graph, expected the {role} graph: give "
            "the path that `lightstyle export -o` was given"
        )
    info = known or read_info(model, metadata)
    if info.weights_digest != metadata.get(contract.META_WEIGHTS_DIGEST):
        raise ModelError(
            f"model {path} was made with other layers or of other weights than its "
            "siblings: make the model again with `lightstyle export`"
        )
    wanted = signature.outputs(role, info.content_layers, info.style_layers)
    if lacking := sorted(wanted.difference(session.outputs)):
        raise ModelError(
            f"model {path} lacks the output {lacking[0]} that goes with its layers: "
            "make it again with `lightstyle export`"
        )
    return info
