"""The graphs of a model on a device, and their sessions for the size at hand.

A provider may have a form of the graphs of its own, which is used where the model has
it: on the CPU, graphs that are fed with mapped kernels, made once when they are loaded.
They get a session for each size, in which ONNX Runtime leaves out what that size does
not need. Each graph keeps its two latest sessions, because a session holds on to the
memory of the largest run it has seen.
"""

from functools import partial
from pathlib import Path
from threading import Lock
from typing import Any, Final

from .. import contract
from ..errors import ModelError
from . import memory
from .costs import Costs
from .providers import HOST, Provider
from .session import Feeds, Session

#: Number of sizes for which a graph keeps sessions.
_KEPT: Final = 2


class Graphs:
    """The graphs of a model. Several threads may run them at the same time.

    Attributes:
        metadata: What the exporter wrote into them.
        costs: Memory and work of the graphs; None if pictures cannot be cut.
    """

    def __init__(self, model: Path, provider: Provider, threads: int | None) -> None:
        """Load the graphs of the model at `model`.

        Raises:
            ModelError: If a file is missing, damaged, or not of this model and schema.
            DeviceError: If the provider cannot be used.
        """
        if not model.is_file():
            what = "is not a file" if model.exists() else "does not exist"
            raise ModelError(f"model {model} {what}: make it with `lightstyle export`")
        form = provider.graph_form
        fast = form is not None and form(model).is_file()
        evaluation = form(model) if form is not None and fast else model
        roles = contract.graph_paths(model)
        self._paths = {role: path for path, role in roles.items()}
        load = partial(_Graph, provider=provider, threads=threads, shared_arena=fast)
        first = load(evaluation, roles[evaluation], None, by_size=fast)
        self.metadata = first.metadata
        self.costs = Costs.parse(self.metadata) if fast else None
        digest = self.metadata[contract.META_WEIGHTS_DIGEST]
        targets = contract.targets_path(evaluation)
        self._graphs = {
            contract.EVALUATION: first,
            contract.TARGETS: load(targets, roles[targets], digest, by_size=fast),
        }
        guided = contract.guided_path(evaluation)
        self._guided = {
            contract.GUIDED + contract.EVALUATION: guided,
            contract.GUIDED + contract.TARGETS: contract.targets_path(guided),
        }
        self._roles = roles
        self._load_guided = partial(load, digest=digest, by_size=fast)
        self._constants: Feeds = {}
        if fast:
            path = contract.kernels_path(model)
            graph = Session(path, provider, threads, once=True)
            _check(graph, contract.KERNELS, path, digest)
            self._constants = graph.run({})
        self._lock = Lock()
        self._parts: dict[str, _Graph] = {}
        self._load_part = partial(load, digest=digest)

    def feeds(self, use: str) -> tuple[str, ...]:
        """Return the names of a graph's feeds; `use` is as in `run`."""
        names = self._graphs[use].inputs
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
        with self._lock:
            if use not in self._graphs:
                path = self._guided[use]
                self._graphs[use] = self._load_guided(path, self._roles[path])
        # Targets are wanted once: afterwards the memory is for the evaluations.
        release = use.endswith(contract.TARGETS) and bool(self._constants)
        return self._graphs[use].run({**feeds, **self._constants}, release=release)

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
        with self._lock:
            if role not in self._parts:
                sized = role != contract.HEADS
                graph = self._load_part(self._paths[role], role, by_size=sized)
                self._parts[role] = graph
        outputs = self._parts[role].run({**feeds, **self._constants}, release=last)
        if last:
            memory.give_back()
        return outputs


def check_files(model: Path) -> None:
    """Check the graphs in every form that the model at `model` has.

    Raises:
        ModelError: If one is missing, damaged, or not of this model and schema.
    """
    digest = None
    for path, role in reversed(contract.graph_paths(model).items()):
        if path.is_file() or role in (contract.EVALUATION, contract.TARGETS):
            session = Session(path, HOST, None, once=True)
            _check(session, role, path, digest)
            digest = session.metadata[contract.META_WEIGHTS_DIGEST]


class _Graph:
    """A graph with its sessions: one for any size, or one per size of the latest."""

    def __init__(
        self,
        path: Path,
        role: str,
        digest: str | None,
        *,
        provider: Provider,
        threads: int | None,
        by_size: bool,
        shared_arena: bool = False,
    ) -> None:
        """Load the graph, and check that it belongs to the weights with `digest`."""
        self._new = partial(Session, path, provider, threads, shared_arena=shared_arena)
        self._any_size: Session | None = None
        session = self._new(once=by_size)
        _check(session, role, path, digest)
        self.metadata = session.metadata
        self.inputs = session.inputs
        if not by_size:
            self._any_size = session
        self._sessions: dict[tuple[int, ...], Session] = {}
        self._lock = Lock()
        self._again = partial(_check, role=role, path=path)

    def run(self, feeds: Feeds, *, release: bool = False) -> dict[str, Any]:
        needed = {name: feeds[name] for name in self.inputs if name in feeds}
        pixels = feeds.get(contract.IMAGE, feeds.get(contract.PART))
        size = (0, 0) if pixels is None else pixels.shape[2:]
        return (self._any_size or self._of_size(size)).run(needed, release=release)

    def _of_size(self, size: tuple[int, ...]) -> Session:
        """Return the session for `size`, which becomes the latest."""
        with self._lock:
            session = self._sessions.pop(size, None)
            if session is None:
                session = self._new(size=size)
                # The file may have been replaced since, but the old weights are fed.
                digest = self.metadata[contract.META_WEIGHTS_DIGEST]
                self._again(session, digest=digest)
                for old in list(self._sessions)[: 1 - _KEPT]:
                    del self._sessions[old]
            self._sessions[size] = session
            return session


def _check(session: Session, role: str, path: Path, digest: str | None) -> None:
    """Refuse a graph of another role or schema, or with other weights than `digest`."""
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
    if digest not in (None, metadata.get(contract.META_WEIGHTS_DIGEST)):
        raise ModelError(
            f"model {path} was made with other layers or of other weights than its "
            "siblings: make the model again with `lightstyle export`"
        )
