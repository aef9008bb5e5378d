"""What makes a picture, in one frozen object: the only home of defaults and of ranges.

The command line and the API both read their defaults from `Settings`. A setting that
does not change the picture (device, threads, where to write) is not one of these.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field, fields, replace
from enum import StrEnum
from typing import Any, Final, Self

from ..contract import LAYERS, MINIMUM_SIDE
from . import checks
from .blend import Blend, Scale
from .checks import refuse
from .choices import (
    ALL,
    Color,
    Init,
    Optimizer,
    Outside,
    Pooling,
    Pyramid,
    StyleLoss,
)
from .layers import LayerWeights

#: Types of `Settings.content_mask` and `style_mask`, and of `Settings.regions`.
Masks = tuple[str, ...]
Maps = tuple[str, str] | None

#: Settings that are one of some words.
_CHOICES: Final[Mapping[str, type[StrEnum]]] = {
    "style_loss": StyleLoss,
    "pooling": Pooling,
    "optimizer": Optimizer,
    "pyramid": Pyramid,
    "outside": Outside,
    "color": Color,
}

#: Colours that may be taken from another picture than the content.
_PALETTES: Final = tuple(color for color in Color if color.takes_palette)

_CONTENT: Final = "conv5_2"

#: In proportion to 1/N². With them, and this loss, the layers count as they do when the
#: plain Σ (G − A)² of each has the same weight (but for conv5_1, which counts more),
#: and as in Gatys' own code. Departure from the paper's w = 1/5 for each of the five:
#: since VGG19's activations are largest at conv4_1, that leaves less than 1 % of the
#: loss to the other layers, and the picture to the texture of one scale.
_STYLE: Final = "conv1_1:64,conv2_1:16,conv3_1:4,conv4_1:1,conv5_1:1"

#: What settings are that need pictures or layers, where a job has no use for those.
_WITHOUT: Final[Mapping[str, Mapping[str, Any]]] = {
    "reconstruct": {
        "color": Color.STYLE,
        "colors_of": None,
        "content_mask": (),
        "style_mask": (),
        "regions": None,
        "style_loss": StyleLoss.GRAM,
    },
    "texture": {"content_mask": (), "regions": None},
}


def option(default: Any, text: str, **more: Any) -> Any:
    """Declare a dataclass field with a default, the help of its option, and `more`."""
    return field(default=default, metadata={"help": text, **more})


def _layers(default: str, text: str) -> Any:
    return option(LayerWeights.parse(default), text)


@dataclass(frozen=True, kw_only=True)
class Settings:
    """All that decides a picture, given the model and the input pictures.

    Attributes:
        size: Longest side of the result in pixels. A smaller picture keeps its size
            unless `enlarge` is set.
        enlarge: Whether pictures smaller than `size` are brought to it.
        iterations: Evaluations of loss and gradient, exactly: the count that Gatys'
            code and its descendants call iterations. L-BFGS needs slightly more than
            one evaluation for each of its steps.
        content_weight: Factor of the content loss, Σ over layers of w ½ Σ (F − P)², for
            a picture of 512 × 512. Other sizes scale it by 512²/(H·W), because the sum
            grows with the picture and the style loss does not.
        style_weight: Factor of the style loss, Σ over layers of
            w/(4 N²) Σ (G/M − A/M_s)².
        tv_weight: Factor of the total variation, Σ of squared differences between
            neighbours in grey levels, scaled with the size as the content loss is.
        content_layers: Layers of the content loss with relative weights; their sum
            counts as 1.
        style_layers: Layers of the style loss with relative weights; their sum counts
            as 1. Five layers without weights are the paper's, w = 1/5 each.
        style_loss: ``gram`` compares Gram matrices, as Gatys et al. do; ``gaussian`` in
            a metric in which all directions of the features count alike; ``match``
            compares them in blocks 1 and 2, and each feature of deeper layers with the
            nearest one of the style.
        balance_layers: Whether the layers of the style are weighted so that their
            gradients have the same norm in the picture that the run starts from,
            whatever weights they are given.
        style_scale: Longest side of the style picture relative to the result's; with
            several styles, one for all or one for each.
        blend: How much each of several styles counts; their sum counts as 1. By
            default all count the same.
        init: What the optimisation starts from: ``content``, ``noise``, ``style``, or
            the path of a picture; by default the content to stylise it, and noise for
            the jobs that have one picture only.
        init_noise: Share of noise mixed into the start, 0…1.
        seed: Of the noise.
        pooling: ``max`` or ``average``.
        optimizer: ``lbfgs``, this package's own; ``lbfgsb``, scipy's, the reference;
            or ``auto``, the one that measures better: ``lbfgs``.
        pyramid: ``on`` goes from coarse to fine, in levels from about 128 pixels that
            share the iterations, half as many on each as on the next; ``off`` works at
            the final size from the beginning, as Gatys et al. do.
        content_mask: Paths of grey pictures, one for each style: white where the
            content is painted like it; ``all`` for everywhere.
        style_mask: The same of the styles: white what of each is taken.
        regions: Paths of two pictures, of the content and of one style, with the same
            colours: each region of the content is painted like that of the style.
        outside: ``keep`` leaves pixels as they are where no mask is; ``blend`` lets the
            content loss change them, too.
        color: ``style`` leaves the colours to the style; ``content-chroma`` transfers
            the lightness only and keeps the content's chroma; ``content-histogram``
            brings the colours of the result to those of the content; ``match-style``
            brings the colours of the style to them before the transfer.
        colors_of: Path of a picture that takes the content's place for the last two.
    """

    size: int = option(512, "Longest side of the picture, in pixels.")
    enlarge: bool = option(False, "Bring smaller pictures to the size, too.")
    iterations: int = option(300, "Evaluations of loss and gradient.")
    content_weight: float = option(1.0, "Factor of the content loss.")
    style_weight: float = option(1e4, "Factor of the style loss.")
    tv_weight: float = option(0.0, "Factor of the total variation.")
    content_layers: LayerWeights = _layers(_CONTENT, "Content layers, with weights.")
    style_layers: LayerWeights = _layers(_STYLE, "Style layers, with weights.")
    style_loss: str = option(
        StyleLoss.GRAM, f"What a style is: {', '.join(StyleLoss)}."
    )
    balance_layers: bool = option(
        False, "Weight the style layers so that all pull equally at the start."
    )
    style_scale: Scale = option(
        1.0, "Size of the style relative to the picture; for each of several: 1,0.5."
    )
    blend: Blend = option(
        None, "Shares of several styles, such as 3,1; by default all are equal."
    )
    init: str | None = option(
        None,
        "Start: content, noise, style, or a picture file; by default content, or "
        "noise if there is one picture only.",
    )
    init_noise: float = option(0.0, "Share of noise in the start, 0 to 1.")
    seed: int = option(0, "Seed of the noise.")
    pooling: str = option(Pooling.MAX, "Pooling of the network: max or average.")
    optimizer: str = option(
        Optimizer.AUTO, "Optimiser: auto, lbfgs, or lbfgsb (scipy's)."
    )
    pyramid: str = option(Pyramid.ON, "Go from coarse to fine: on or off.")
    content_mask: Masks = option(
        (), "Mask, white where to paint like the style; one for each style, in order."
    )
    style_mask: Masks = option(
        (), "Mask, white where to take the style from; one for each style, in order."
    )
    regions: Maps = option(
        None, "Maps of content and style, with the same colours for what goes together."
    )
    outside: str = option(
        Outside.KEEP, "Pixels in no mask: keep them, or blend them in."
    )
    color: str = option(Color.STYLE, f"Colours: {', '.join(Color)}.")
    colors_of: str | None = option(
        None, f"Picture file to take the colours of, for {' and '.join(_PALETTES)}."
    )

    def __post_init__(self) -> None:
        """Check every range.

        Raises:
            UsageError: If a setting is out of its range, naming it.
        """
        self._check_number("size", at_least=MINIMUM_SIDE)
        self._check_number("iterations", at_least=1)
        self._check_number("seed", at_least=0)
        for name in ("content_weight", "style_weight", "tv_weight"):
            self._check_number(name, at_least=0)
        self._check_number("init_noise", at_least=0, at_most=1)
        scales = checks.some_numbers("style_scale", self.style_scale, 0.01, 100)
        object.__setattr__(self, "style_scale", scales)
        if self.blend is not None:
            object.__setattr__(self, "blend", checks.shares("blend", self.blend))
        for name, choices in _CHOICES.items():
            if getattr(self, name) not in [*choices]:
                refuse(name, getattr(self, name), checks.any_of([*choices]))
            object.__setattr__(self, name, choices(getattr(self, name)))
        if self.init is not None and not (self.init and isinstance(self.init, str)):
            refuse("init", self.init, f"{', '.join(Init)} or a picture file")
        self._check_masks()
        if self.colors_of is not None:
            self._check_palette()
        for name in ("content_layers", "style_layers"):
            if not isinstance(getattr(self, name), LayerWeights):
                refuse(name, getattr(self, name), "LayerWeights")
        self._check_style_loss()

    @property
    def matched_layers(self) -> tuple[str, ...]:
        """Style layers that are compared position by position, if any."""
        return StyleLoss(self.style_loss).matched(self.style_layers.used)

    @property
    def feature_layers(self) -> tuple[str, ...]:
        """Layers whose features have targets, those of the content among them."""
        wanted = {*self.content_layers.used, *self.matched_layers}
        return tuple(layer for layer in LAYERS if layer in wanted)

    @property
    def files(self) -> dict[str, str]:
        """Paths of the picture files that settings name, by setting."""
        named = {} if self.init in (None, *Init) else {"init": str(self.init)}
        if self.colors_of is not None:
            named["colors_of"] = self.colors_of
        for name in ("content_mask", "style_mask", "regions"):
            paths = enumerate(getattr(self, name) or (), start=1)
            named |= {f"{name} {n}": path for n, path in paths if path != ALL}
        return named

    def with_files(self, files: Mapping[str, str]) -> Self:
        """The same settings with other paths, by the names that `files` has."""
        changes: dict[str, Any] = {}
        for key, path in files.items():
            name, _, number = key.partition(" ")
            if number:
                paths = list(changes.get(name) or getattr(self, name))
                paths[int(number) - 1] = path
                changes[name] = tuple(paths)
            else:
                changes[name] = path
        return replace(self, **changes)

    def of_job(self, job: str) -> Self:
        """Without what `job`, a function of `transfer`, has no use for."""
        return replace(self, **_WITHOUT.get(job, {}))

    @property
    def chosen_optimizer(self) -> str:
        """Name of the optimiser that runs."""
        auto = self.optimizer == Optimizer.AUTO
        return Optimizer.LBFGS if auto else self.optimizer

    def as_dict(self) -> dict[str, Any]:
        """Plain values, fit for JSON; layers in the form `LayerWeights.parse` reads."""
        values = {f.name: getattr(self, f.name) for f in fields(self)}
        for name, value in values.items():
            values[name] = list(value) if isinstance(value, tuple) else value
        for name in ("content_layers", "style_layers"):
            values[name] = str(values[name])
        return values

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> Self:
        """The settings that `as_dict` described."""
        layers = {
            name: LayerWeights.parse(values[name])
            for name in ("content_layers", "style_layers")
        }
        return cls(**{**values, **layers})

    def _check_masks(self) -> None:
        for name in ("content_mask", "style_mask"):
            paths = checks.pictures(name, getattr(self, name))
            object.__setattr__(self, name, paths)
        if self.regions is not None:
            maps = checks.pictures("regions", self.regions, count=2)
            object.__setattr__(self, "regions", maps)
            if self.content_mask or self.style_mask:
                refuse("regions", ", ".join(maps), "none beside masks")

    def _check_palette(self) -> None:
        if not (self.colors_of and isinstance(self.colors_of, str)):
            refuse("colors_of", self.colors_of, "a picture file")
        if self.color not in _PALETTES:
            expected = f"none with color {self.color}: it is for color "
            refuse("colors_of", self.colors_of, expected + checks.any_of(_PALETTES))

    def _check_style_loss(self) -> None:
        loss = StyleLoss(self.style_loss)
        if loss.matched_from and not self.matched_layers:
            deep = f"some of block {loss.matched_from} or deeper, for style-loss {loss}"
            refuse("style_layers", self.style_layers, deep)
        twice = {*self.matched_layers}.intersection(self.content_layers.used)
        if twice:
            others = f"none of the style-layers that style-loss {loss} compares by "
            refuse("content_layers", ", ".join(sorted(twice)), others + "position")
        for name in loss.excludes:
            if getattr(self, name):
                option = name.replace("_", "-")
                refuse("style_loss", loss, f"another beside {option}")

    def _check_number(
        self, name: str, at_least: float, at_most: float = math.inf
    ) -> None:
        whole = isinstance(getattr(type(self), name), int)
        checks.in_range(name, getattr(self, name), at_least, at_most, whole=whole)


#: Of the demonstration, which is to take less than a minute.
DEMO: Final = Settings(iterations=100)
