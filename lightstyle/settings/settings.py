"""What makes a picture, in one frozen object: the only home of defaults and of ranges.

The command line and the API both read their defaults from `Settings`. A setting that
does not change the picture (device, threads, where to write) is not one of these.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from typing import Any, Final, Self

from ..errors import UsageError
from .choices import Color, Optimizer, Outside, Pooling, Pyramid, StyleLoss
from .fields import FIELDS, option_of, plain, take
from .layers import LayerWeights

#: Colours that may be taken from another picture than the content.
_PALETTES: Final = tuple(color for color in Color if color.takes_palette)

_CONTENT: Final = "conv5_2"

#: In proportion to 1/N². With them, and this loss, the layers count as they do when the
#: plain Σ (G − A)² of each has the same weight (but for conv5_1, which counts more),
#: and as in Gatys' own code. Departure from the paper's w = 1/5 for each of the five:
#: since VGG19's activations are largest at conv4_1, that leaves less than 1 % of the
#: loss to the other layers, and the picture to the texture of one scale.
_STYLE: Final = "conv1_1:64,conv2_1:16,conv3_1:4,conv4_1:1,conv5_1:1"

#: Settings that name picture files, and what is none in each.
_NOT_FILES: Final = {
    name: row.kind.not_files
    for name, row in FIELDS.items()
    if row.kind.not_files is not None
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
        content_mask: Grey images, one for each style: white where the content is
            stylised like it; ``all`` for everywhere. Each is a path, an array or a PIL
            image, as are those of the next two.
        style_mask: The same for the styles: white where the style is taken from.
        regions: Two images with the same colours, of the content and of one style:
            each region of the content is stylised like that of the style.
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
    style_scale: float | Sequence[float] = option(
        1.0, "Size of the style relative to the picture; for each of several: 1,0.5."
    )
    blend: Sequence[float] | None = option(
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
    content_mask: tuple[Any, ...] = option(
        (), "Mask, white where to paint like the style; one for each style, in order."
    )
    style_mask: tuple[Any, ...] = option(
        (), "Mask, white where to take the style from; one for each style, in order."
    )
    regions: tuple[Any, Any] | None = option(
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
        """Bring every setting to the form that the table says, and check them together.

        Raises:
            UsageError: If a setting is out of its range, or two cannot be combined.
        """
        for each in fields(self):
            value = take(each.name, getattr(self, each.name))
            object.__setattr__(self, each.name, value)
        self._check_combinations()

    @property
    def matched_layers(self) -> tuple[str, ...]:
        """Style layers that are compared position by position, if any."""
        return StyleLoss(self.style_loss).matched(self.style_layers.used)

    @property
    def files(self) -> dict[str, str]:
        """Paths of the picture files that settings name, by setting."""
        named: dict[str, str] = {}
        for name, words in _NOT_FILES.items():
            value = getattr(self, name)
            listed = isinstance(value, tuple)
            for number, path in enumerate(value if listed else [value], start=1):
                if path is not None and path not in words:
                    named[f"{name} {number}" if listed else name] = path
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

    @property
    def chosen_optimizer(self) -> str:
        """Name of the optimiser that runs."""
        auto = self.optimizer == Optimizer.AUTO
        return Optimizer.LBFGS if auto else self.optimizer

    def as_dict(self) -> dict[str, Any]:
        """Return plain values, fit for JSON."""
        return {f.name: plain(f.name, getattr(self, f.name)) for f in fields(self)}

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> Self:
        """Return the settings that `as_dict` described; defaults for what is missing.

        Raises:
            UsageError: If a name is no setting, or a value is none of it.
        """
        return cls(**{name: take(name, value) for name, value in values.items()})

    def _check_combinations(self) -> None:
        loss, matched = StyleLoss(self.style_loss), self.matched_layers
        self._exclude(f"style-loss {loss}", loss.excludes)
        if self.regions:
            self._exclude("regions", ("content_mask", "style_mask"))
        if loss.matched_from and not matched:
            raise UsageError(
                f"--style-loss {loss} needs a style layer of block {loss.matched_from} "
                f"or deeper, got --style-layers {self.style_layers}"
            )
        twice = [layer for layer in self.content_layers.used if layer in matched]
        if twice:
            raise UsageError(
                f"--content-layers {','.join(twice)} cannot be combined with "
                f"--style-loss {loss}, which matches the same layer of --style-layers: "
                "leave it out of one of them"
            )
        if self.colors_of is not None and self.color not in _PALETTES:
            raise UsageError(
                f"--colors-of cannot be combined with --color {self.color}: it is for "
                f"--color {' or '.join(_PALETTES)}"
            )

    def _exclude(self, option: str, others: Iterable[str]) -> None:
        for name in others:
            if getattr(self, name):
                raise UsageError(
                    f"--{option} cannot be combined with --{option_of(name)}"
                )


#: Of the demonstration, which is to take less than a minute.
DEMO: Final = Settings(iterations=100)
