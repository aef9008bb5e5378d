"""Mutators that know nothing of formats: bits, words, pieces, numbers in text."""

import re
from collections.abc import Callable, Sequence
from random import Random
from typing import Final, Literal

#: Changes bytes; what it draws decides how.
Mutator = Callable[[Random, bytes], bytes]

#: Numbers at which counts, sizes and offsets go wrong.
NUMBERS: Final = (
    *(0, 1, 2, 3, 4, 5, 7, 8, 12, 15, 16, 17, 31, 32, 33, 64, 127, 128, 255, 256),
    *(1000, 12000, 16384, 32767, 32768, 65535, 65536, 100_000, 2**24, 2**31 - 1),
    *(2**31, 2**32 - 1, 2**63 - 1, 2**64 - 1, 10**43),
)

ORDERS: Final[tuple[Literal["big", "little"], ...]] = ("big", "little")

_HEADER: Final = 64

#: What stands where text has a number.
_TEXTS: Final = (
    *map(str, NUMBERS),
    *("-1", "1e9", "nan", "", "9" * 5000, "0x10", "\x1b[2J"),
)


def flip(random: Random, data: bytes) -> bytes:
    """Flip one to eight bits."""
    mangled = bytearray(data)
    for _ in range(random.randint(1, 8) if data else 0):
        mangled[random.randrange(len(data))] ^= 1 << random.randrange(8)
    return bytes(mangled)


def word(random: Random, data: bytes) -> bytes:
    """Put a number of one, two, four or eight bytes anywhere."""
    return put_word(random, data, random.randrange(len(data) or 1))


def header(random: Random, data: bytes) -> bytes:
    """Put such a number into the first bytes, where most formats keep the size."""
    return put_word(random, data, random.randrange(min(len(data), _HEADER) or 1))


def put_word(
    random: Random, data: bytes, at: int, lengths: Sequence[int] = (1, 2, 4, 8)
) -> bytes:
    """Put a number of one of the `lengths`, in either byte order, at an offset."""
    length, number = random.choice(lengths), random.choice(NUMBERS)
    if random.random() < 0.25:  # near what is there
        number = int.from_bytes(data[at : at + length], "big") + random.choice((-1, 1))
    order = random.choice(ORDERS)
    encoded: bytes = (number % 2 ** (8 * length)).to_bytes(length, order)
    return data[:at] + encoded + data[at + length :]


def truncate(random: Random, data: bytes) -> bytes:
    """Cut the end off, often near it."""
    if random.random() < 0.3:
        return data[: max(0, len(data) - random.randint(1, 40))]
    return data[: random.randrange(len(data) or 1)]


def extend(random: Random, data: bytes) -> bytes:
    """Append bytes: zeros, noise, or the beginning once more."""
    more = (bytes(5000), random.randbytes(300), data[:2000])
    return data + random.choice(more)


def drop(random: Random, data: bytes) -> bytes:
    """Leave a piece out."""
    start, end = _piece(random, data)
    return data[:start] + data[end:]


def repeat(random: Random, data: bytes) -> bytes:
    """Insert a piece once more, there or elsewhere."""
    start, end = _piece(random, data)
    at = random.choice((end, random.randrange(len(data) or 1)))
    return data[:at] + data[start:end] + data[at:]


def overwrite(random: Random, data: bytes) -> bytes:
    """Replace a piece by zeros, by ones or by noise."""
    start, end = _piece(random, data)
    length = end - start
    filling = (bytes(length), b"\xff" * length, random.randbytes(length))
    return data[:start] + random.choice(filling) + data[end:]


def digits(random: Random, data: bytes) -> bytes:
    """Replace a decimal number in text, as headers of PNM and NumPy have."""
    found = [*re.finditer(rb"-?\d+", data[:20_000])]
    if not found:
        return flip(random, data)
    start, end = random.choice(found).span()
    return data[:start] + random.choice(_TEXTS).encode() + data[end:]


def empty(random: Random, data: bytes) -> bytes:
    """Leave nothing."""
    del random, data
    return b""


RAW: Final[tuple[Mutator, ...]] = (
    *(flip, flip, word, word, header, header, truncate, extend, drop, repeat),
    *(overwrite, digits),
)


def any_raw(random: Random, data: bytes) -> bytes:
    """Apply one of them; seldom the one that leaves nothing."""
    return (empty if random.random() < 0.01 else random.choice(RAW))(random, data)


def _piece(random: Random, data: bytes) -> tuple[int, int]:
    start = random.randrange(len(data) or 1)
    length = random.choice((1, 2, 4, 12, 64, 400, len(data) // 4))
    return start, min(len(data), start + length)
