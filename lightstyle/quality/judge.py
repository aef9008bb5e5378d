"""Measures finished pictures against the content and the style they were made of."""

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final

from .. import images
from ..arrays import Array, Size
from ..engine.model import Model
from ..errors import UsageError
from ..images.frame import framed
from ..images.loading import ImageSource
from ..images.picture import Picture
from ..losses.objective import Objective
from ..losses.targets import StyleTarget, Targets
from ..losses.weights import term_weights
from ..settings import arguments
from ..settings.choices import Init
from ..settings.layers import LayerWeights
from ..settings.scalars import checked
from ..settings.settings import Settings
from ..transfer.inputs import Inputs
from ..transfer.scene import Scene, fitted_size
from ..zoo import registry
from . import metrics
from .features import Network

#: The loss that `Quality.share` is of: fixed weights, which suit no pair in particular.
_LOSS: Final = Settings(
    content_layers=LayerWeights.parse("conv5_2"), style_weight=1e4, init=Init.NOISE
)

#: Layer at which CFSD compares structure.
_STRUCTURE: Final = "conv3_1"


@dataclass(frozen=True)
class Quality:
    """Measures of one picture; None where the picture to compare with is missing.

    Features are the model's, so compare only numbers of one model and one size.

    Attributes:
        size: Width and height in pixels at which everything was compared.
        share: Share of the loss that is gone, (L(content) − L(picture)) / L(content),
            where L is the loss with content at conv5_2 and style weight 1e4, each
            picture in a frame that is its mirror image: 0 for the content itself, at
            most 1. Also None if content and style are the same picture.
        cfsd: Content feature structural distance to the content, 0 or more
            (arXiv:2312.09008).
        w2: 2-Wasserstein distance between Gaussians fitted to the features of picture
            and style, 0 or more, by style layer (as in FID, arXiv:1706.08500).
        colour_style: Hellinger distance between the colour histograms of picture and
            style, 0…1 (HistoGAN, arXiv:2011.11731).
        colour_content: Hellinger distance between the colour histograms of picture and
            content, 0…1.
        ssim: Structural similarity to the content, −1…1; 1 for equal pictures (Wang et
            al. 2004).
        psnr: Peak signal-to-noise ratio to the content in dB; infinite for equal
            pictures.
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
    """What is measured of a picture.

    Attributes:
        image_hwc: The picture, (H, W, 3), 0…255.
        structure: Features at the layer of structure, (C, positions).
        moments: Moments of the features, by style layer.
        histogram: Colour histogram, (3, 64, 64).
    """

    image_hwc: Array
    structure: Array
    moments: dict[str, metrics.Moments]
    histogram: metrics.Matrix


@dataclass(frozen=True, eq=False)
class _Reference:
    """What pictures of one size are compared with.

    Attributes:
        content: The content, if it was given.
        style: The style, if it was given.
        loss: The loss, if both were given.
        content_loss: Loss of the content itself.
    """

    content: _Seen | None
    style: _Seen | None
    loss: Objective | None
    content_loss: float


class Judge:
    """Measures any number of pictures made of one content, of one style, or of both.

    ::

        judge = lightstyle.Judge("photo.jpg", "painting.jpg")
        print(judge.judge("out.png").share)

    Attributes:
        model: The model whose loss counts.
        network: Its weights, which give the features.
    """

    def __init__(
        self,
        content: ImageSource | None = None,
        style: ImageSource | None = None,
        *,
        model: Model | str | Path | None = None,
        size: int = Settings.size,
    ) -> None:
        """Read the pictures and load the model.

        Args:
            content: The picture that was stylised; None leaves out all measures that
                need it.
            style: The picture whose style was applied; None leaves out all measures
                that need it.
            model: The model whose loss and features count, as `stylize` takes it.
            size: Longest side, in pixels, at which pictures are compared; smaller ones
                keep their size.

        Raises:
            LightstyleError: A picture or the model is at fault, or no picture is given.
        """
        model = checked("model", arguments.model(Model), model)
        if content is None and style is None:
            raise UsageError("nothing to compare with: give a content, a style or both")
        self._settings = replace(_LOSS, size=size)
        self._content = self._loaded(content, "content")
        self._style = self._loaded(style, "style")
        if not isinstance(model, Model):
            model = registry.load(model, self._settings)
        registry.check(model.info, self._settings)
        self.model = model
        self.network = Network.of(model.info)
        self._references: dict[Size, _Reference] = {}

    def judge(self, source: ImageSource) -> Quality:
        """Measure a picture.

        Content and style are brought to its size, as they were when it was made.

        Args:
            source: The picture: a path, the bytes of a file, a PIL image, or an array
                (H, W) or (H, W, 3), as `stylize` takes it.

        Raises:
            ImageError: The picture cannot be read or is too small.
            UsageError: It does not have the proportions of the content.
        """
        picture = images.load(source, role="picture", longest=self._settings.size)
        size = fitted_size(picture, self._settings, "picture")
        if self._content is not None:
            _check_shape(source, picture, self._content)
        if size not in self._references:
            self._references[size] = self._reference(size)
        reference = self._references[size]
        seen = self._see(images.resized(picture, size).rgb_hwc)
        numbers: dict[str, Any] = {}
        if reference.content is not None:
            numbers |= _to_content(seen, reference.content)
        if reference.style is not None:
            numbers |= _to_style(seen, reference.style)
        if reference.loss is not None and reference.content_loss:
            left = _total(reference.loss, seen.image_hwc)
            numbers["share"] = 1 - left / reference.content_loss
        return Quality(size, **numbers)

    def _loaded(self, source: ImageSource | None, role: str) -> Picture | None:
        if source is None:
            return None
        return images.load(source, role=role, longest=self._settings.size)

    def _reference(self, size: Size) -> _Reference:
        """Bring content and style to `size` and measure them."""
        styles = () if self._style is None else (self._style,)
        inputs = Inputs.read(self._settings, size, self._content, styles)
        scene = Scene(inputs, size)
        content = style = None
        if self._content is not None:
            content = scene.as_content(self._content)
        if self._style is not None:
            style_size, _ = scene.style_sizes()[0]
            style = scene.as_style(self._style, style_size)
        loss, content_loss = None, 0.0
        if content is not None and style is not None:
            canvases = (framed(images.to_pixels(each)) for each in (content, style))
            loss = objective(self.model, self._settings, *canvases)
            content_loss = _total(loss, content)
        return _Reference(
            None if content is None else self._see(content),
            None if style is None else self._see(style),
            loss,
            content_loss,
        )

    def _see(self, image_hwc: Array) -> _Seen:
        layers = self._settings.style_layers.used
        features = self.network.features(image_hwc, {*layers, _STRUCTURE})
        moments = {layer: metrics.moments(features[layer]) for layer in layers}
        histogram = metrics.colour_histogram(image_hwc)
        return _Seen(image_hwc, features[_STRUCTURE], moments, histogram)


def objective(
    model: Model, settings: Settings, content: Array, style: Array
) -> Objective:
    """Make the loss of pictures of one content and one style.

    Args:
        model: Evaluates the loss.
        settings: Layers and weights of the loss.
        content: (1, 3, H, W), 0…255.
        style: (1, 3, h, w), 0…255.
    """
    tiling, style_tiling = (
        model.planner().choose((width, height)).tiling
        for _, _, height, width in (content.shape, style.shape)
    )
    targets = Targets.of(
        model,
        settings,
        content,
        content=content,
        styles=[StyleTarget(0, 1.0, style, tiling=style_tiling)],
        tiling=tiling,
    )
    weights = term_weights(model, settings, targets, content)
    return Objective(model, targets, weights)


def _total(loss: Objective, image_hwc: Array) -> float:
    return loss(framed(images.to_pixels(image_hwc)).ravel())[0].total


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


def _check_shape(source: ImageSource, picture: Picture, content: Picture) -> None:
    """Check that the picture has the proportions of the content, to the pixel."""
    (width, height), (columns, rows) = picture.original_size, content.original_size
    if abs(height * columns - width * rows) > max(rows, columns):
        name = f"picture {source}" if isinstance(source, str | Path) else "the picture"
        raise UsageError(
            f"{name} is {width}x{height}, the content {columns}x{rows}: they must have "
            "the same proportions; give the content that the picture was made of"
        )
