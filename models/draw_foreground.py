"""Draws the near half of the demo scene: a sailing boat, a tree, a bank of grass.

They stand against the light, so they are dark with warm edges.
"""

import itertools
from collections.abc import Sequence
from typing import Any, Final

import numpy as np
from PIL import Image, ImageDraw

from models.draw_layer import decode, encode
from models.draw_noise import Field
from models.draw_terrain import View

_LEAVES: Final = np.array(
    [
        [0.030, 0.045, 0.012],
        [0.060, 0.085, 0.015],
        [0.150, 0.130, 0.020],
        [0.420, 0.260, 0.040],
        [0.800, 0.420, 0.070],
    ],
    np.float32,
)
#: Paint of a leaf of each tone, and of a blade of grass from its foot to its tip.
_LEAF: Final = [(*encode(tone * 0.8), 255) for tone in _LEAVES]
_BLADE: Final = [
    [(*encode(tone * (0.45 + 0.26 * part)), 255) for part in range(5)]
    for tone in _LEAVES
]


def boat(view: View) -> Field:
    """A boat with two sails on the open water; (H, W, 4) light and coverage."""
    layer = Image.new("RGBA", (view.width, view.height))
    pen = ImageDraw.Draw(layer)
    unit, x, y = view.width / 2048, view.width * 0.435, view.height * 0.742

    def shape(points: Sequence[tuple[float, float]], light: Sequence[float]) -> None:
        spots = [(x + across * unit, y - up * unit) for across, up in points]
        pen.polygon(spots, fill=(*encode(np.array(light)), 255))

    main = [(4, 26), (2, 120), (6, 232), (38, 150), (66, 90), (84, 28)]
    shape(main, (0.95, 0.70, 0.46))
    shape(
        [(4, 26), (2, 120), (6, 232), (20, 150), (26, 80), (28, 26)], (0.62, 0.44, 0.33)
    )
    for up in (62, 100, 140, 180):
        shape([(3, up), (78 - up * 0.32, up + 4), (3, up + 2)], (0.48, 0.34, 0.27))
    shape([(-5, 204), (-30, 110), (-62, 28), (-8, 34)], (0.50, 0.14, 0.07))
    shape([(-5, 204), (-20, 110), (-26, 32), (-8, 34)], (0.78, 0.25, 0.10))
    shape([(-2, 0), (-1, 240), (2, 240), (3, 0)], (0.08, 0.05, 0.04))
    shape([(-84, 24), (94, 22), (72, 0), (-62, 0)], (0.07, 0.045, 0.04))
    shape([(-84, 24), (94, 22), (91, 18), (-81, 20)], (0.75, 0.42, 0.20))
    shape([(30, 22), (34, 44), (42, 48), (48, 42), (50, 22)], (0.05, 0.05, 0.07))
    return decode(layer)


def willow(view: View) -> Field:
    """A tree at the left edge whose branches hang into the sky."""
    layer = Image.new("RGBA", (view.width, view.height))
    pen = ImageDraw.Draw(layer)
    pick = np.random.default_rng(21)
    root = np.array([view.width * 0.055, view.height * 1.0])
    twigs: list[Any] = []
    _branch(pen, pick, root, -1.62, view.width * 0.155, view.width * 0.036, 0, twigs)
    unit = view.width / 2048
    for spot, heading in twigs:
        _spray(pen, pick, spot, heading, unit)
    return decode(layer)


def _branch(
    pen: ImageDraw.ImageDraw,
    pick: np.random.Generator,
    start: Any,
    heading: float,
    length: float,
    wide: float,
    level: int,
    twigs: list[Any],
) -> None:
    """A bent branch, and two or three thinner ones from its end."""
    spot, parts = start, 9
    path = [(spot, wide)]
    for part in range(parts):
        heading += float(pick.normal(0, 0.10)) - 0.05 * float(np.cos(heading))
        step = np.array([np.cos(heading), np.sin(heading)]) * length / parts
        spot = spot + step
        path.append((spot, wide * (1 - 0.32 * part / parts)))
        if level >= 3 and part % 2:
            twigs.append((spot, heading))
    _limb(pen, path)
    if level == 6:
        return
    forks = 3 if level in (1, 3) else 2
    for fork in range(forks):
        spread = (fork - (forks - 1) / 2) * pick.uniform(0.55, 0.95) + 0.05
        turned = heading + float(spread) + float(pick.normal(0, 0.1))
        shorter = length * float(pick.uniform(0.68, 0.86))
        _branch(pen, pick, spot, turned, shorter, wide * 0.62, level + 1, twigs)


def _limb(pen: ImageDraw.ImageDraw, path: Sequence[tuple[Any, float]]) -> None:
    """Bark along a path of places and widths, with a warm edge towards the sun."""
    edge = np.array([0.5, -0.15])
    for share, light in ((1.0, (0.030, 0.021, 0.017)), (0.26, (0.12, 0.062, 0.030))):
        colour = (*encode(np.array(light)), 255)
        for (a, _), (b, wide) in itertools.pairwise(path):
            aside, r = edge * wide * (1 - share) * 0.85, wide * share / 2
            ends = [*(a + aside), *(b + aside)]
            pen.line(ends, fill=colour, width=max(1, round(2 * r)))
            pen.ellipse([*(b + aside - r), *(b + aside + r)], fill=colour)


def _spray(
    pen: ImageDraw.ImageDraw,
    pick: np.random.Generator,
    spot: Any,
    heading: float,
    unit: float,
) -> None:
    """Leaves along a twig; some twigs are in the dark, some against the sun."""
    glow = float(np.clip(pick.normal(1.2, 0.9), 0, 3.2))
    for _ in range(11):
        at = spot + pick.normal(0, 15 * unit, 2)
        turn = heading + pick.normal(0.5, 0.8)
        ahead = np.array([np.cos(turn), np.sin(turn)]) * pick.uniform(6, 13) * unit
        aside = np.array([-ahead[1], ahead[0]]) * 0.28
        leaf = [
            *at,
            *(at + ahead / 2 + aside),
            *(at + ahead),
            *(at + ahead / 2 - aside),
        ]
        tone = int(min(max(glow + pick.normal(0, 0.7), 0), 4))
        pen.polygon(leaf, fill=_LEAF[tone])


def meadow(view: View) -> Field:
    """A bank along the lower edge, higher to the left, with blades and flowers."""
    layer = Image.new("RGBA", (view.width, view.height))
    pen = ImageDraw.Draw(layer)
    pick = np.random.default_rng(33)
    columns = np.arange(0, view.width + 8, 8)
    top = [(float(c), _bank(c / view.width) * view.height) for c in columns]
    outline = [*top, (view.width, view.height), (0.0, view.height)]
    pen.polygon(outline, fill=(*encode(np.array([0.020, 0.024, 0.010])), 255))
    unit = view.width / 2048
    for row in np.sort(pick.random(9000) ** 1.15):
        across = float(pick.uniform(-0.02, 1.02))
        crest = _bank(across)
        foot = crest + (1.06 - crest) * float(row)
        root = np.array([across * view.width, foot * view.height])
        _blade(pen, pick, root, unit * (0.55 + 0.9 * float(row)))
    return decode(layer)


def _bank(across: float) -> float:
    """Upper edge of the bank as a share of the height."""
    bump = 0.105 * np.exp(-(((across - 0.02) / 0.20) ** 2))
    bump += 0.045 * np.exp(-(((across - 0.98) / 0.16) ** 2))
    return float(
        0.975 - bump + 0.006 * np.sin(across * 31) + 0.004 * np.sin(across * 83)
    )


def _blade(
    pen: ImageDraw.ImageDraw, pick: np.random.Generator, root: Any, unit: float
) -> None:
    """A blade of grass that the sun catches at the tip; now and then a flower."""
    tall, bend = pick.uniform(30, 95) * unit, pick.normal(0.25, 0.35)
    share = np.linspace(0, 1, 6)
    x = root[0] + bend * tall * share**2
    y = root[1] - tall * share * (1 - 0.12 * share)
    shades = _BLADE[int(np.searchsorted([0.42, 0.75, 0.93], pick.random(), "right"))]
    wide = max(1, round(3.2 * unit))
    for part in range(5):
        ends = [x[part], y[part], x[part + 1], y[part + 1]]
        pen.line(ends, fill=shades[part], width=max(1, wide - part // 2))
    if pick.random() < 0.014:
        colour = ((0.85, 0.75, 0.55), (0.75, 0.20, 0.08), (0.45, 0.22, 0.60))
        r, light = 4.2 * unit, np.array(colour[pick.choice(3)])
        box = (x[-1] - r, y[-1] - r, x[-1] + r, y[-1] + r * 0.8)
        pen.ellipse(box, fill=(*encode(light), 255))
