"""A pickle machine that can build dictionaries of tensors and nothing else.

A pickle is a program, and Python's own machine lets it call whatever it can import.
This one knows the two dozen instructions that a state dict consists of. The names that
a program looks up stay names; the few that may be called are the table `CALLS`,
whose functions make descriptions of tensors.

Every instruction takes constant time and memory, their number is limited, and keys of
dictionaries are strings or numbers, whose hashing cannot be made expensive.
"""

import io
import pickletools
from collections.abc import Callable, Mapping
from typing import Any, Final

from ..errors import WeightsError
from .pickle_tensors import CALLS, DTYPES, Name, TensorView, describe_storage, plain_key

_MAX_INSTRUCTIONS: Final = 20_000  # VGG19 takes about 2000


def run_pickle(stream: io.BytesIO) -> Any:
    """Run the program at the position of `stream`, and stop behind it.

    Returns:
        What it built out of dictionaries, lists, tuples, strings, numbers, `Storage`
        and `TensorView`.

    Raises:
        WeightsError: The program wants more than a state dict needs.
    """
    machine = _Machine()
    for count, (opcode, argument, _) in enumerate(pickletools.genops(stream)):
        if count >= _MAX_INSTRUCTIONS:
            raise WeightsError(f"its pickle has more than {count} instructions")
        if opcode.name == "STOP":
            break
        _handler(opcode.name)(machine, argument)
    return machine.stack.pop()


def _handler(name: str) -> "Callable[[_Machine, Any], None]":
    if name not in _HANDLERS:
        raise WeightsError(f"its pickle uses {name}, which no state dict does")
    return _HANDLERS[name]


class _Machine:
    """The stack, the marks on it (as stacks set aside) and the memo."""

    def __init__(self) -> None:
        self.stack: list[Any] = []
        self.marked: list[list[Any]] = []
        self.memo: dict[int, Any] = {}

    def mark(self, _: Any) -> None:
        self.marked.append(self.stack)
        self.stack = []

    def since_mark(self) -> list[Any]:
        items, self.stack = self.stack, self.marked.pop()
        return items

    def push(self, value: Any) -> None:
        self.stack.append(value)

    def top(self, kind: type | tuple[type, ...]) -> Any:
        if not isinstance(self.stack[-1], kind):
            raise WeightsError("its pickle fills something that is no container")
        return self.stack[-1]

    def take(self, count: int) -> list[Any]:
        items, self.stack[-count:] = self.stack[-count:], []
        return items

    def remember(self, slot: int | None) -> None:
        self.memo[len(self.memo) if slot is None else slot] = self.stack[-1]

    def look_up(self, name: str) -> None:
        if name not in CALLS and name not in DTYPES:
            raise WeightsError(
                f"it refers to {name!r}, which no state dict needs, and nothing of it "
                "is executed; save model.state_dict() instead of the model"
            )
        self.push(Name(name))

    def look_up_from_stack(self, _: Any) -> None:
        module, name = self.take(2)
        if not isinstance(name, str) or not isinstance(module, str):
            raise WeightsError("its pickle looks up what is no name")
        self.look_up(f"{module} {name}")

    def set_items(self, items: list[Any]) -> None:
        target = self.top(dict)
        for key, value in zip(items[::2], items[1::2], strict=True):
            target[plain_key(key)] = value

    def append_all(self, items: list[Any]) -> None:
        self.top(list).extend(items)

    def call(self, _: Any) -> None:
        function, arguments = self.take(2)
        if not isinstance(function, Name) or function.name not in CALLS:
            raise WeightsError("its pickle calls something that is no function")
        self.push(CALLS[function.name](*arguments))

    def build(self, _: Any) -> None:
        # The state that goes here is _metadata or requires_grad: not needed.
        self.stack.pop()
        self.top((dict, TensorView))

    def persistent(self, _: Any) -> None:
        self.push(describe_storage(*self.stack.pop()))


_CONSTANTS: Final = (
    "BININT",
    "BININT1",
    "BININT2",
    "LONG1",
    "BINFLOAT",
    "SHORT_BINSTRING",
    "BINSTRING",
    "SHORT_BINUNICODE",
    "BINUNICODE",
)

_HANDLERS: Final[Mapping[str, Callable[[_Machine, Any], None]]] = {
    **dict.fromkeys(_CONSTANTS, _Machine.push),
    "PROTO": lambda machine, _: None,
    "FRAME": lambda machine, _: None,
    "NONE": lambda machine, _: machine.push(None),
    "NEWTRUE": lambda machine, _: machine.push(True),
    "NEWFALSE": lambda machine, _: machine.push(False),
    "EMPTY_DICT": lambda machine, _: machine.push({}),
    "EMPTY_LIST": lambda machine, _: machine.push([]),
    "EMPTY_TUPLE": lambda machine, _: machine.push(()),
    "MARK": _Machine.mark,
    "TUPLE": lambda machine, _: machine.push(tuple(machine.since_mark())),
    "TUPLE1": lambda machine, _: machine.push(tuple(machine.take(1))),
    "TUPLE2": lambda machine, _: machine.push(tuple(machine.take(2))),
    "TUPLE3": lambda machine, _: machine.push(tuple(machine.take(3))),
    "SETITEM": lambda machine, _: machine.set_items(machine.take(2)),
    "SETITEMS": lambda machine, _: machine.set_items(machine.since_mark()),
    "APPEND": lambda machine, _: machine.append_all(machine.take(1)),
    "APPENDS": lambda machine, _: machine.append_all(machine.since_mark()),
    "BINPUT": _Machine.remember,
    "LONG_BINPUT": _Machine.remember,
    "MEMOIZE": _Machine.remember,
    "BINGET": lambda machine, slot: machine.push(machine.memo[slot]),
    "LONG_BINGET": lambda machine, slot: machine.push(machine.memo[slot]),
    "GLOBAL": _Machine.look_up,
    "STACK_GLOBAL": _Machine.look_up_from_stack,
    "REDUCE": _Machine.call,
    "NEWOBJ": _Machine.call,
    "BUILD": _Machine.build,
    "BINPERSID": _Machine.persistent,
}
