"""Judges finished pictures by the content and the style that they were made of."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from .. import images
from ..arrays import Array, Size
from ..engine.model import Model
from ..errors import UsageError
from ..images.picture import ImageSource, Picture
from ..losses.objective import Objective
from ..losses.targets import StyleTarget, Targets
from ..losses.weights import term_weights
from ..settings.settings import Settings
from ..transfer.scene import Scene, fitted_size
from ..zoo import registry
from . import metrics
from .features import Network

#: Where CFSD compares structure.
_STRUCTURE: Final = "conv3_1"


@dataclass(frozen=True)
class Quality:
    """Numbers about one picture; those that need a picture not given are none.

    Attributes:
        size: Width and height that all were compared at, in pixels.
        share: Share of the gap closed, (L(content) − L(picture)) / L(content), with L
            the loss of the default settings: 0 for the content itself, at most 1. None
            as well where content and style are the same.
        cfsd: Change of structure from the content, 0 or more.
        w2: Wasserstein distance to the style by style layer, 0 or more.
        colour_style: Distance of colour histograms to the style, 0…1.
        colour_content: The same to the content.
        ssim: Structural similarity to the content, 1 for equal pictures.
        psnr: Signal-to-noise ratio to the content in dB, infinite for equal pictures.
    """

    size: Size
    share: float | None = None
    cfsd: float | None = None
    w2: dict[str, float] | None = None
    colour_style: float | None = None
    colour_content: float | None = None
    ssim: float | None = None
    psnr: float | None = None


@dataclass(frozen=True, eq=False)
class _Seen:
    """What counts of a picture (H, W, 3)."""

    image_hwc: Array
    structure: Array
    moments: dict[str, metrics.Moments]
    histogram: metrics.Matrix


class Judge:
    """Judges any number of pictures made of one content, of one style, or of both."""

    def __init__(
        self,
        content: ImageSource | None,
        style: ImageSource | None,
        *,
        model: Model | str | Path | None = None,
        size: int = Settings.size,
    ) -> None:
        """Read the pictures and load the model.

        Args:
            content: What was painted, if anything.
            style: What it was painted like, if anything.
            model: Whose loss and features count; as for `stylize`.
            size: Longest side at which pictures are compared; smaller ones keep theirs.

        Raises:
            LightstyleError: If a picture or the model is at fault, or no picture is
                given.
        """
        if content is None and style is None:
            raise UsageError("nothing to compare with: give a content, a style or both")
        self._settings = Settings(size=size, init="content")
        self._content = _loaded(content, "content")
        self._style = _loaded(style, "style")
        if not isinstance(model, Model):
            model = registry.load(model, self._settings)
        registry.check(model.info, self._settings)
        self.model = model
        self.network = Network.of(model.info)
        self._known: dict[tuple[str, Size], Any] = {}

    def judge(self, source: ImageSource) -> Quality:
        """Numbers about the picture `source`.

        Content and style are brought to its size as when it was made.

        Raises:
            ImageError: If it cannot be read or is too small.
            UsageError: If it has not the shape of the content.
        """
        picture = images.load(source, role="picture")
        size = fitted_size(picture, self._settings, "picture")
        if self._content is not None:
            _check_shape(source, picture, self._content)
        styles = () if self._style is None else (self._style,)
        scene = Scene(self._settings, size, self._content, styles)
        content = scene.content_pixels()
        style = next((each.pixels for each in scene.paintings()), None)
        seen = self._see(images.resized(picture, size).rgb_hwc)
        numbers: dict[str, Any] = {}
        if content is not None:
            found = self._once(
                "content", size, lambda: self._see(images.from_pixels(content))
            )
            numbers |= _to_content(seen, found)
        if style is not None:
            found = self._once(
                "style", size, lambda: self._see(images.from_pixels(style))
            )
            numbers |= _to_style(seen, found)
        if content is not None and style is not None:
            numbers["share"] = self._share(content, style, seen.image_hwc)
        return Quality(size, **numbers)

    def _see(self, image_hwc: Array) -> _Seen:
        layers = self._settings.style_layers.used
        features = self.network.features(image_hwc, {*layers, _STRUCTURE})
        moments = {layer: metrics.moments(features[layer]) for layer in layers}
        histogram = metrics.colour_histogram(image_hwc)
        return _Seen(image_hwc, features[_STRUCTURE], moments, histogram)

    def _once(self, name: str, size: Size, make: Callable[[], Any]) -> Any:
        """What `make` returns, remembered for the next picture of that size."""
        if (name, size) not in self._known:
            self._known[name, size] = make()
        return self._known[name, size]

    def _share(self, content: Array, style: Array, image_hwc: Array) -> float | None:
        def loss(pixels: Array) -> float:
            terms = losses(self.model, self._settings, content, style, pixels)
            return sum(terms.values())

        size = image_hwc.shape[1], image_hwc.shape[0]
        before = self._once("loss", size, lambda: loss(content))
        return 1 - loss(images.to_pixels(image_hwc)) / before if before else None


def losses(
    model: Model, settings: Settings, content: Array, style: Array, pixels: Array
) -> dict[str, float]:
    """Terms of the loss of a picture, times their weights.

    Args:
        model: Evaluates.
        settings: With the weights.
        content: (1, 3, H, W).
        style: (1, 3, h, w).
        pixels: The picture, (1, 3, H, W).
    """
    tiling, style_tiling = (
        model.layout(height, width, optimizer=None).plan
        for _, _, height, width in (pixels.shape, style.shape)
    )
    targets = Targets.of(
        model,
        settings,
        pixels,
        content=content,
        styles=[StyleTarget(0, 1.0, style, tiling=style_tiling)],
        tiling=tiling,
    )
    weights = term_weights(model, settings, targets, pixels)
    found, _ = Objective(model, targets, weights)(pixels.ravel())
    return found.terms


def _to_content(seen: _Seen, content: _Seen) -> dict[str, Any]:
    return {
        "cfsd": metrics.structural_distance(seen.structure, content.structure),
        "colour_content": metrics.hellinger(seen.histogram, content.histogram),
        "ssim": metrics.ssim(seen.image_hwc, content.image_hwc),
        "psnr": metrics.psnr(seen.image_hwc, content.image_hwc),
    }


def _to_style(seen: _Seen, style: _Seen) -> dict[str, Any]:
    distances = {
        layer: metrics.wasserstein(own, style.moments[layer])
        for layer, own in seen.moments.items()
    }
    colour = metrics.hellinger(seen.histogram, style.histogram)
    return {"w2": distances, "colour_style": colour}


def _loaded(source: ImageSource | None, role: str) -> Picture | None:
    return None if source is None else images.load(source, role=role)


def _check_shape(source: ImageSource, picture: Picture, content: Picture) -> None:
    """Refuse a picture that is not the content, larger or smaller, to the pixel."""
    height, width = picture.rgb_hwc.shape[:2]
    rows, columns = content.rgb_hwc.shape[:2]
    if abs(height * columns - width * rows) > max(rows, columns):
        name = f"picture {source}" if isinstance(source, str | Path) else "the picture"
        raise UsageError(
            f"{name} is {width}x{height}, the content {columns}x{rows}: they must have "
            "the same shape, so give the content that it was made of"
        )
