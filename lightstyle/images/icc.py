"""Reads the ICC profiles of cameras and displays: three curves and three primaries."""

import struct
from typing import Final

import numpy as np

from .color_space import Curve, RGBSpace, power, table

#: Tags with tables of colours, which are more exact than curves and primaries.
_TABLES: Final = (b"A2B0", b"A2B1", b"D2B0", b"D2B1")

_MOST_TAGS: Final = 200

#: Number of parameters of each type of parametric curve.
_PARAMETERS: Final = (1, 3, 4, 5, 7)


def rgb_space(profile: bytes) -> RGBSpace | None:
    """Return the space that a profile describes; None if it takes tables, or is none.

    Args:
        profile: A profile of unknown origin.
    """
    try:
        return _rgb_space(profile)
    except (ValueError, KeyError, IndexError, ArithmeticError, struct.error):
        return None


def _rgb_space(profile: bytes) -> RGBSpace | None:
    if profile[16:24] != b"RGB XYZ ":
        return None
    (count,) = struct.unpack_from(">I", profile, 128)
    tags: dict[bytes, bytes] = {}
    for index in range(min(count, _MOST_TAGS)):
        name, start, size = struct.unpack_from(">4sII", profile, 132 + 12 * index)
        tags[name] = profile[start : start + size]
    if any(name in tags for name in _TABLES):
        return None
    columns = [_xyz(tags[name]) for name in (b"rXYZ", b"gXYZ", b"bXYZ")]
    curves = [_curve(tags[name]) for name in (b"rTRC", b"gTRC", b"bTRC")]
    return RGBSpace(curves, np.array(columns).T)


def _xyz(tag: bytes) -> tuple[float, ...]:
    if tag[:4] != b"XYZ ":
        raise ValueError("no XYZ")
    return tuple(value / 65536 for value in struct.unpack_from(">3i", tag, 8))


def _curve(tag: bytes) -> Curve:
    if tag[:4] == b"para":
        (kind,) = struct.unpack_from(">H", tag, 8)
        numbers = struct.unpack_from(f">{_PARAMETERS[kind]}i", tag, 12)
        return _parametric(kind, [number / 65536 for number in numbers])
    if tag[:4] != b"curv":
        raise ValueError("no curve")
    (count,) = struct.unpack_from(">I", tag, 8)
    if count == 0:
        return power(1.0)
    if count == 1:
        return power(struct.unpack_from(">H", tag, 12)[0] / 256)
    if len(tag) < 12 + 2 * count:
        raise ValueError("cut")
    return table(np.frombuffer(tag, ">u2", count, 12) / 65535)


def _parametric(kind: int, numbers: list[float]) -> Curve:
    """Return ICC's function (a x + b)^g + e from d on, and c x + f below."""
    gamma, *rest = numbers
    a, b, c, d, e, f = (1.0, 0.0, 0.0, 0.0, 0.0, 0.0)
    if kind == 1:
        a, b = rest
        d = -b / a
    elif kind == 2:
        a, b, e = rest
        f, d = e, -b / a
    elif kind == 3:
        a, b, c, d = rest
    elif kind == 4:
        a, b, c, d, e, f = rest
    steps = np.linspace(0, 1, 4096)
    upper = np.maximum(a * steps + b, 0) ** gamma + e
    return table(np.clip(np.where(steps >= d, upper, c * steps + f), 0, 1))
