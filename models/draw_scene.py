"""Draws the demo's content picture: a village by a lake at evening, below mountains.

Light is added linearly, as in a camera. The last step makes a photograph of it, with
the glow of bright things, the curve of a film and a little grain.
"""

from typing import Final

import numpy as np
from PIL import Image
from scipy import ndimage

from models.draw_foreground import boat, meadow, willow
from models.draw_layer import Layer
from models.draw_noise import Field, fractal, mix, ramp
from models.draw_terrain import EYE, View, mountains, sky
from models.draw_village import Village
from models.draw_woods import Woods

_DEEP_WATER: Final = np.array([0.012, 0.040, 0.055], np.float32)


def scene(width: int = 1024) -> Image.Image:
    """Draw the scene, RGB, `width` × ¾ `width` pixels, the same at every size."""
    view = View(2 * width, 2 * (width * 3 // 4))
    land, depth = mountains(view)
    light = over(sky(view), land)
    houses = _settled(view, depth)
    light = over(light, houses)
    shore = _shoreline(np.maximum(land[..., 3], houses[..., 3]), view)
    sail = boat(view)
    light = _lake(light, sail, shore, view)
    light = over(light, sail)
    for layer in (willow(view), meadow(view)):
        light = over(light, layer)
    return _develop(light, width)


def _settled(view: View, depth: Field) -> Field:
    """Draw trees and village from far to near: (H, W, 4) light and coverage."""
    layer = Layer(view)
    things = Woods(layer, depth, seed=7).things() + Village(layer, seed=2).things()
    for _, draw in sorted(things, key=lambda thing: -thing[0]):
        draw()
    light = layer.light()
    light[..., :3] *= _grain(view)[..., None]
    return light


def over(below: Field, layer: Field) -> Field:
    """Put a layer (H, W, 4) over light (H, W, 3)."""
    return mix(below, layer[..., :3], layer[..., 3])


def _grain(view: View) -> Field:
    """Weathering of walls and roofs, in their own pixels."""
    rows, columns = np.mgrid[: view.height, : view.width].astype(np.float32)
    cell = view.width / 2048 * 5
    return np.asarray(
        1 + 0.22 * fractal(columns / cell, rows / cell, 3, 77), np.float32
    )


def _shoreline(land: Field, view: View) -> Field:
    """Row where the water begins in each column, (W,), smoothed along the shore."""
    rows = np.arange(view.height, dtype=np.float32)[:, None]
    lowest = np.where(land > 0.5, rows, view.horizon).max(axis=0) + 1
    # A little too high: where land and water meet the land may have gaps.
    smooth = ndimage.gaussian_filter1d(lowest, view.width / 300)
    return np.asarray(smooth - view.width / 700, np.float32)


def _lake(light: Field, sail: Field, shore: Field, view: View) -> Field:
    """Water below the shoreline, mirroring what is above it on small waves."""
    rows, columns = np.mgrid[: view.height, : view.width].astype(np.float32)
    below = np.maximum(rows - shore, 0)
    z = EYE * view.focus / np.maximum(rows - view.horizon, 1)
    x = (columns - view.width / 2) * z / np.float32(view.focus)
    gusts = 0.35 + 0.9 * ramp(fractal(x / 60, z / 90, 3, 61), -0.35, 0.55)
    swell = _waves(x, z) * gusts * np.minimum(1, 0.2 + below / (view.height * 0.06))
    slide = swell * view.focus * 0.034
    mirror = _mirrored(light, sail, shore, slide, view)
    grazing = np.clip((rows - view.horizon) / (view.height * 0.42), 0, 1)
    bounce = np.clip(0.88 - 0.52 * grazing + 0.25 * swell, 0.15, 0.95)
    water = mix(np.broadcast_to(_DEEP_WATER, light.shape), mirror, bounce)
    wet = ramp(rows - shore, -0.5, 0.5)
    return mix(light, water, wet)


def _waves(x: Field, z: Field) -> Field:
    """Slope of the waves towards the camera, about -1 to 1, finer close by."""
    waves = np.zeros_like(x)
    for length, seed in ((9.0, 1), (3.6, 2), (1.5, 3), (0.6, 4), (0.25, 5)):
        seen = ramp(z, length * 90, length * 25)
        waves += seen * fractal(x / length / 2.2, z / length, 2, 200 + 10 * seed) * 0.55
    return waves


def _mirrored(
    light: Field, sail: Field, shore: Field, slide: Field, view: View
) -> Field:
    """What each pixel of the water mirrors: the picture, upside down and shaken."""
    rows, columns = np.mgrid[: view.height, : view.width].astype(np.float32)
    source = np.clip(2 * shore - rows + slide, 0, shore - 1)
    aside = columns + slide * 0.25
    found = _sample(light, source, aside)
    keel = np.float32(np.flatnonzero(sail[..., 3].max(axis=1)).max())
    hull = _sample(sail, 2 * keel - rows + slide * 0.6, aside)
    hull[..., 3] *= rows > keel
    return over(found, hull)


def _sample(layer: Field, rows: Field, columns: Field) -> Field:
    channels = [
        ndimage.map_coordinates(layer[..., c], (rows, columns), order=1, mode="nearest")
        for c in range(layer.shape[2])
    ]
    return np.stack(channels, axis=-1)


def _develop(light: Field, width: int) -> Image.Image:
    """Convert light, at twice the size, to an 8-bit photograph."""
    light = light.reshape(light.shape[0] // 2, 2, width, 2, 3).mean(axis=(1, 3))
    glow = np.zeros_like(light)
    for reach, share in ((0.004, 0.10), (0.016, 0.07), (0.05, 0.05)):
        sigma = (width * reach, width * reach, 0)
        glow += share * ndimage.gaussian_filter(np.minimum(light, 6), sigma)
    exposed = (light * 0.86 + glow) * 0.66
    rows, columns = np.mgrid[-1 : 1 : light.shape[0] * 1j, -1 : 1 : width * 1j]
    exposed *= (1 - 0.16 * (rows**2 + columns**2))[..., None]
    film = (
        exposed * (2.51 * exposed + 0.03) / (exposed * (2.43 * exposed + 0.59) + 0.14)
    )
    picture = np.clip(film, 0, 1) ** (1 / 2.2)
    blurred = ndimage.gaussian_filter(picture, (width / 900, width / 900, 0))
    picture = picture + 0.55 * (picture - blurred)
    picture = picture - 0.050 * np.sin(2 * np.pi * np.clip(picture, 0, 1))
    grey = picture.mean(axis=2, keepdims=True)
    picture = grey + (picture - grey) * 1.22
    noise = np.random.default_rng(3).normal(0, 0.008, (*light.shape[:2], 1))
    levels = np.rint(np.clip(picture + noise, 0, 1) * 255).astype(np.uint8)
    return Image.fromarray(levels)
