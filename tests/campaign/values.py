"""Mutators of what files say in words: JSON values, lines of JSON, and TOML."""

import copy
import json
from contextlib import suppress
from random import Random
from typing import Any, Final

from .raw import Mutator, any_raw

#: Where a value stands: the list or object that holds it, and its index or key.
Place = tuple[Any, Any]

_DEEP: Final = 100_000

#: JSON that Python's writer would not write, by the text that stands for it.
_LITERAL: Final = {
    "@deep list@": "[" * _DEEP + "]" * _DEEP,
    "@deep object@": '{"a":' * _DEEP + "1" + "}" * _DEEP,
    "@1e400@": "1e400",
    "@digits@": "9" * 5000,
    "@surrogate@": '"\\ud800"',
    "@twice@": '{"a": 1, "a": 2}',
}

_TEXTS: Final = (
    *(
        "",
        " ",
        "0",
        "-1",
        "nan",
        "x" * 100_000,
        "\x1b[31mred\x1b[0m",
        "\x1b]0;title\x07",
    ),
    *(
        "a\nb",
        "a\r\0b",
        "\u202eevil",
        "漢字" * 400,
        "../x.png",
        "/proc/version",
        "-",
    ),
    *(".", "/", "conv1_1", "conv9_9:1", "conv1_1:nan", "all", "%s%n{0}", "\u2028", "é"),
    *("9" * 400, "/dev/zero"),
)
_NUMBERS: Final = (
    *(0, 1, -1, 2, 3, 31, 32, 2**31, 2**53 + 1, -(2**63), 2**64, 10**43, 10**400),
    *(0.5, -0.0, 1e-320, 1e308, -1e308, 1.5, float("nan"), float("inf"), True, False),
)
_SHAPES: Final = (
    *(None, [], {}, [[]], [None], {"": None}, [1, 2, 3], ["a"] * 3, {"a": {"b": [1]}}),
    *([0] * 3000, {str(n): n for n in range(3000)}, *_LITERAL),
)


def mangled(random: Random, tree: Any) -> str:
    """Mangle one value of a JSON `tree`, seldom more, and return the text."""
    tree = copy.deepcopy(tree)
    for _ in range(random.choice((1, 1, 1, 2, 3))):
        places = [*_places(tree)]
        if not places:
            break
        _change(random, *random.choice(places), places)
    text = json.dumps(tree)
    for name, literal in _LITERAL.items():
        text = text.replace(json.dumps(name), literal)
    return text


def _places(tree: Any) -> list[Place]:
    found: list[Place] = []
    keys: Any = ()
    if isinstance(tree, dict):
        keys = list(tree)
    elif isinstance(tree, list):
        keys = range(min(len(tree), 8))
    for key in keys:
        found += [(tree, key), *_places(tree[key])]
    return found


def _change(random: Random, holder: Any, key: Any, places: list[Place]) -> None:
    what = random.randrange(10)
    if what == 0:
        del holder[key]
    elif what == 1 and isinstance(holder, dict):
        holder[random.choice((*_TEXTS, "schema", "extra"))] = hostile(random)
    elif what == 2 and isinstance(holder, dict):
        holder[random.choice(_TEXTS)] = holder.pop(key)
    elif what == 3:
        other, place = random.choice(places)
        with suppress(LookupError):  # it may lie in what was taken away
            holder[key] = copy.deepcopy(other[place])
    elif what == 4:
        holder[key] = _like(random, holder[key])
    else:
        holder[key] = hostile(random)


def _like(random: Random, value: Any) -> Any:
    """Return another value of the same type, so that types are not all that fails."""
    if isinstance(value, bool):
        return not value
    if isinstance(value, int | float):
        with suppress(OverflowError):
            return random.choice((-value, value * 2, value + 1, value - 1, value * 1e9))
    if isinstance(value, str):
        return random.choice((value.upper(), value * 2, value[:-1], f"{value}\x1b[1m"))
    if isinstance(value, list):
        return value * random.choice((0, 2, 50))
    return hostile(random)


def hostile(random: Random) -> Any:
    """Return a JSON value that no honest file has where it comes to stand."""
    return random.choice(random.choice((_TEXTS, _NUMBERS, _SHAPES)))


def json_lines(random: Random, data: bytes) -> bytes:
    """Mangle a line of a file of JSON lines, or the lines as such."""
    lines = data.splitlines()
    what = random.randrange(10)
    index = random.randrange(len(lines))
    if what == 0:
        return _reencoded(random, data)
    if what == 1:
        lines.insert(index, random.choice((b"", b"  ", b"\x1b[2J", b"null", b"[1]")))
    elif what == 2:
        lines = lines * random.choice((2, 300))
    elif what == 3:
        lines[index] = any_raw(random, lines[index])
    else:
        lines[index] = mangled(random, json.loads(lines[index])).encode()
    return b"\n".join(lines) + b"\n"


#: Values as TOML, good and hostile.
_TOML: Final = (
    *("nan", "inf", "-inf", "9" * 30, "9" * 5000, "-1", "0", "1e308", "true", '""'),
    *(
        "1979-05-27",
        "1979-05-27T07:32:00Z",
        "07:32:00",
        "{}",
        "{a=1}",
        "[]",
        "[[1],[2]]",
    ),
    *('"\\u001b[31m"', '"\\u0000"', '"a\\nb"', f'"{"x" * 100_000}"', "'''x\ny'''"),
    *(
        "[" * 5000 + "]" * 5000,
        "[1,2,3]",
        '["a"]',
        "0x7fffffffffffffff",
        "",
        '"x',
        "1_0",
    ),
    *(
        '"/proc/version"',
        '"."',
        '"漢字"',
        '"conv1_1:1e999"',
        "1e-320",
        '"\\ud800"',
        "1.5",
    ),
)
_TOML_LINES: Final = (
    *(
        "[settings]",
        "[[a]]",
        "a.b = 1",
        '"\\u001b[31m" = 1',
        "size = 48",
        "x" * 100_000,
    ),
    *(
        "# \x1b[31m",
        "\x07",
        "=",
        "size",
        '"" = 1',
        "[" * 3000,
        "é = 1",
        "memory = '2GB'",
    ),
)


def toml(random: Random, data: bytes) -> bytes:
    """Mangle a value, a key or a line of a TOML file, or the file as such."""
    lines = data.decode().splitlines()
    keyed = [n for n, line in enumerate(lines) if "=" in line and line[:1] != "#"]
    index = random.choice(keyed)
    key = lines[index].partition("=")[0]
    what = random.randrange(10)
    if what == 0:
        return _reencoded(random, data)
    if what == 1:
        lines.insert(index, random.choice(_TOML_LINES))
    elif what == 2:
        lines.append(lines[index])
    elif what == 3:
        lines[index] = lines[index].replace(key, lines[random.choice(keyed)][:9], 1)
    else:
        lines[index] = f"{key}= {random.choice(_TOML)}"
    return "\n".join(lines).encode() + b"\n"


def _reencoded(random: Random, data: bytes) -> bytes:
    """Return the text as other systems would save it."""
    text = data.decode("utf-8", "replace")
    encoding = random.choice(("utf-8-sig", "utf-16", "utf-16-be", "utf-32", "utf-7"))
    lines = random.choice(("\n", "\r\n", "\r", "\n\n", "\u2028"))
    return text.replace("\n", lines).encode(encoding)


TEXT: Final[tuple[Mutator, ...]] = (json_lines, toml)
