"""The graphs of a model on a device: which files, and a session for the size at hand.

On a CPU the graphs in the form for CPUs are used, where the model has them. They are
fed with mapped kernels, made once when they are loaded; and they get a session for each
size, in which onnxruntime leaves out what that size does not need. One is kept for each
graph: a session holds on to the memory of the largest run it has seen.
"""

from functools import partial
from pathlib import Path
from threading import Lock
from typing import Any

from . import contract
from .errors import ModelError
from .session import Feeds, Session


class Graphs:
    """Evaluation and targets of a model. Any number of threads may run them."""

    def __init__(self, model: Path, device: str, threads: int | None) -> None:
        """Load the graphs of the model at `model`.

        Raises:
            ModelError: If a file is missing, damaged, or not of this model and schema.
            DeviceError: If `device` cannot be used.
        """
        fast = device == "cpu" and contract.cpu_path(model).is_file()
        evaluation = contract.cpu_path(model) if fast else model
        paths = {
            contract.EVALUATION: evaluation,
            contract.TARGETS: contract.targets_path(evaluation),
        }
        roles = contract.graph_paths(model)
        self._graphs = {
            use: _Graph(path, roles[path], device, threads, by_size=fast)
            for use, path in paths.items()
        }
        self._constants: Feeds = {}
        if fast:
            path = contract.kernels_path(model)
            graph = Session(path, device, threads, once=True)
            _check_role(graph, contract.KERNELS, path)
            self._constants = graph.run({})
        self.metadata = self._graphs[contract.EVALUATION].metadata
        self._lock = Lock()
        self._parts: dict[str, _Graph] = {}
        self._load_part = partial(_Graph, device=device, threads=threads, part=True)
        self._part_paths = {role: path for path, role in roles.items()}

    def feeds(self, use: str) -> tuple[str, ...]:
        """Names of what the graph has to be fed with; `use` as in `run`."""
        names = self._graphs[use].inputs
        return tuple(name for name in names if name not in self._constants)

    def run(self, use: str, feeds: Feeds) -> dict[str, Any]:
        """Outputs by name of the graph for `use`, ``evaluation`` or ``targets``.

        Raises:
            ModelError: If a feed is missing or onnxruntime fails.
        """
        return self._graphs[use].run(feeds, self._constants)

    def run_part(self, role: str, feeds: Feeds) -> dict[str, Any]:
        """Outputs by name of the graph of `role`, for a part of a picture.

        Of `feeds`, those that it has no use for are left aside.

        Raises:
            ModelError: If there is no such graph, or onnxruntime fails.
        """
        with self._lock:
            if role not in self._parts:
                self._parts[role] = self._load_part(self._part_paths[role], role)
        return self._parts[role].run(feeds, self._constants)


def check_files(model: Path) -> None:
    """Check the graphs of every form that the model at `model` has.

    Raises:
        ModelError: If one is missing, damaged, or not of this model and schema.
    """
    for path, role in reversed(contract.graph_paths(model).items()):
        if path.is_file() or role in (contract.EVALUATION, contract.TARGETS):
            _check_role(Session(path, "cpu", None), role, path)


class _Graph:
    """One graph, and its sessions: for any size, or for those of the latest pictures.

    Of a part's graph two are kept, since the last part may be a line higher.
    """

    def __init__(
        self,
        path: Path,
        role: str,
        device: str,
        threads: int | None,
        *,
        by_size: bool = True,
        part: bool = False,
    ) -> None:
        self._of_size = partial(Session, path, device, threads, shared_arena=part)
        self._any_size = self._of_size()
        _check_role(self._any_size, role, path)
        self.metadata = self._any_size.metadata
        self.inputs = self._any_size.inputs
        self._sessions: dict[tuple[int, ...], Session] = {}
        self._count = 2 if part else 1
        self._by_size = by_size
        self._lock = Lock()

    def run(self, feeds: Feeds, constants: Feeds) -> dict[str, Any]:
        given = {**feeds, **constants}
        session = self._session(feeds)
        return session.run({name: given[name] for name in self.inputs if name in given})

    def _session(self, feeds: Feeds) -> Session:
        pixels = feeds.get(contract.IMAGE, feeds.get(contract.PART))
        if pixels is None or not self._by_size:
            return self._any_size
        size = pixels.shape[2:]
        with self._lock:
            if size not in self._sessions:
                if len(self._sessions) == self._count:
                    del self._sessions[next(iter(self._sessions))]
                self._sessions[size] = self._of_size(size=size)
            return self._sessions[size]


def _check_role(session: Session, role: str, path: Path) -> None:
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
