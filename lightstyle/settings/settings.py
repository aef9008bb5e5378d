"""Everything that decides a picture, in one frozen object, with all defaults.

The command line and the API read their defaults from `Settings`, and `fields` says what
each setting may be. What does not change the picture (device, threads, where to write)
is no setting.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from typing import Any, Final, Self

from ..errors import UsageError
from ..text import shown
from .choices import (
    PALETTES,
    Color,
    Metadata,
    Optimizer,
    Outside,
    Pooling,
    Precision,
    Pyramid,
    StyleLoss,
)
from .fields import FIELDS, option_of, plain, take
from .layers import LayerWeights
from .scalars import any_of

#: conv4_2 keeps forms, where the paper's conv5_2 keeps the layout alone, so lettering
#: and faces are lost. conv3_1 keeps edges, and so allows a stronger style. It has about
#: a seventh of the loss of a picture in which nothing is left; the others share the
#: rest.
_CONTENT: Final = "conv3_1:1,conv4_2:1,conv5_2:700"

#: Weights in proportion to 1/N². With these and this loss, the layers count as they do
#: when the plain Σ (G − A)² of each has the same weight (but for conv5_1, which counts
#: more), and as in Gatys' own code. Departure from the paper's w = 1/5 for each of the
#: five: VGG19's activations are largest at conv4_1, so that these leave less than 1 %
#: of the loss to the other layers, and the picture to the texture of one scale.
_STYLE: Final = "conv1_1:64,conv2_1:16,conv3_1:4,conv4_1:1,conv5_1:1"

#: The strength if neither it nor a weight is given, chosen by eye.
STRENGTH: Final = 0.5

#: The weights of content and style if the other is given, but it is not.
CONTENT_WEIGHT: Final = 1.0
STYLE_WEIGHT: Final = 30.0

#: What the strength chooses, and so cannot be given beside it.
_BALANCE: Final = ("content_weight", "style_weight")

#: Settings that name picture files, and the words that name none.
_NOT_FILES: Final = {
    name: row.kind.not_files
    for name, row in FIELDS.items()
    if row.kind.not_files is not None
}


def option(default: Any, text: str, group: str | None = None, **more: Any) -> Any:
    """Declare a dataclass field that becomes an option.

    Args:
        default: Default of both.
        text: Help of the option.
        group: Group of options in which it is shown.
        more: What else Typer is to know of it.
    """
    more |= {"help": text, "rich_help_panel": group}
    return field(default=default, metadata=more)


def _layers(default: str, text: str) -> Any:
    return option(LayerWeights.parse(default), text)


@dataclass(frozen=True, kw_only=True)
class Settings:
    """Everything that decides a picture, given the model and the input pictures.

    A word, and a list of layers, may be given as text, as on the command line.

    Attributes:
        size: Longest side of the result, in pixels. A smaller picture keeps its size
            unless `enlarge` is set.
        enlarge: Whether pictures smaller than `size` are enlarged to it.
        iterations: Number of evaluations of loss and gradient, exactly: what Gatys'
            code and its descendants call iterations. L-BFGS needs slightly more than
            one evaluation for each of its steps.
        strength: From 0, the content itself, to 1, the style with little more than the
            content's layout: how much of the content may be lost, for which a run finds
            the three weights below. By default `STRENGTH`, unless a weight of content
            or style is given.
        content_weight: Weight of the content loss, Σ over layers of w ½ Σ (F − P)², for
            a picture of 512 × 512. Other sizes scale it by 512²/(H·W), because the sum
            grows with the picture and the style loss does not. Excludes the strength.
        style_weight: Weight of the style loss, Σ over layers of
            w/(4 N²) Σ (G/M − A/M_s)². Excludes the strength.
        tv_weight: Weight of the total variation, the sum of squared differences between
            neighbours in grey levels, scaled with the size as the content loss is. By
            default the strength chooses it, and without a strength it is 0.
        content_layers: Layers of the content loss with relative weights, which are
            divided by their sum.
        style_layers: Layers of the style loss with relative weights, which are divided
            by their sum. Five layers without weights are the paper's, w = 1/5 each.
        style_loss: ``gram`` compares Gram matrices, as Gatys et al. do; ``gaussian``
            compares them in a metric in which all directions of the features count
            alike; ``match`` compares them in blocks 1 and 2, and each feature of deeper
            layers with the nearest one of the style.
        balance_layers: Whether the style layers are weighted so that their gradients
            have the same norm in the picture that the run starts from, whatever their
            relative weights.
        style_scale: Longest side of the style picture relative to the result's; one
            for all styles, or one for each.
        blend: Relative weight of each style, divided by their sum. By default all
            styles count alike.
        init: What the optimisation starts from: ``content``, ``noise``, ``style``, or
            a picture: a path, an array or a PIL image. By default stylising starts
            from the content, and the other jobs from noise.
        init_noise: Share of noise mixed into the start, 0…1.
        seed: Seed of the noise.
        pooling: ``max`` or ``average``.
        optimizer: ``lbfgs``, this package's own; ``lbfgsb``, scipy's, the reference;
            or ``auto``, the one that measures better: ``lbfgs``.
        precision: ``float32``, or ``tf32`` on a device that has it (``cuda``), which
            rounds the factors of convolutions to 10 bits.
        pyramid: ``on`` goes from coarse to fine, in levels from about 128 pixels that
            share the iterations, half as many on each as on the next; ``off`` works at
            the final size from the beginning, as Gatys et al. do.
        content_mask: Grey images, one for each style: white where the content takes
            that style; ``all`` for everywhere. Each is a path, an array (also of
            booleans) or a PIL image, as are those of the next two.
        style_mask: Grey images, one for each style: white where the style is taken
            from; ``all`` for everywhere.
        regions: Two maps, of the content and of one style: each region of the content
            takes the style of the region of the same colour.
        protect: Grey image, white where the content must stay, such as a face or
            lettering: there the style pulls a twentieth as much. A path, an array or a
            PIL image.
        outside: What becomes of pixels that no mask covers: ``keep`` leaves them as
            they are; ``blend`` lets the content loss change them.
        color: ``style`` takes the colours of the style; ``content-chroma`` transfers
            the lightness only and keeps the content's chroma; ``content-histogram``
            brings the colours of the result to those of the content; ``match-style``
            brings the colours of the style to those of the content before the transfer.
        colors_of: Picture (a path, an array or a PIL image) whose colours
            ``content-histogram`` and ``match-style`` use instead of the content's.
        metadata: What the file of the result says beside the picture: ``private``, how
            it was made, and of the photo its resolution, date, camera, author and
            copyright; ``keep``, the place, serial numbers and the camera's owner, too;
            ``none``, nothing.
    """

    size: int = option(512, "Longest side of the picture, in pixels.")
    enlarge: bool = option(False, "Enlarge pictures that are smaller than the size.")
    iterations: int = option(300, "Evaluations of loss and gradient.")
    strength: float | None = option(
        None,
        "From the photo, 0, to the painting, 1; by default "
        f"{STRENGTH:g}. It chooses the weights of content and style, and that of the "
        "total variation unless you give it.",
    )
    content_weight: float | None = option(None, "Weight of the content loss.")
    style_weight: float | None = option(None, "Weight of the style loss.")
    tv_weight: float | None = option(
        None, "Weight of the total variation, which smooths away grain."
    )
    content_layers: LayerWeights = _layers(
        _CONTENT, "Layers of the content loss, with relative weights."
    )
    style_layers: LayerWeights = _layers(
        _STYLE, "Layers of the style loss, with relative weights."
    )
    style_loss: str = option(StyleLoss.GRAM, f"Style loss: {any_of(StyleLoss)}.")
    balance_layers: bool = option(
        False, "Give all style layers gradients of the same norm at the start."
    )
    style_scale: float | Sequence[float] = option(
        1.0, "Size of the style relative to the picture, or one per style: 1,0.5."
    )
    blend: Sequence[float] | None = option(
        None, "Relative weights of several styles, such as 3,1; equal by default."
    )
    init: Any = option(
        None,
        "Start: content, noise, style or a picture file; by default content, or noise "
        "if there is only one picture.",
    )
    init_noise: float = option(0.0, "Share of noise mixed into the start, 0 to 1.")
    seed: int = option(0, "Seed of the noise.")
    pooling: str = option(Pooling.MAX, "Pooling of the network: max or average.")
    optimizer: str = option(
        Optimizer.AUTO, "Optimiser: auto, lbfgs, or lbfgsb (scipy's)."
    )
    precision: str = option(
        Precision.FLOAT32, "Arithmetic: float32, or tf32 with --device cuda."
    )
    pyramid: str = option(Pyramid.ON, "Optimise from coarse to fine: on or off.")
    content_mask: tuple[Any, ...] = option(
        (), "Mask of the content, white where it takes the style; one per style."
    )
    style_mask: tuple[Any, ...] = option(
        (), "Mask of the style, white where it is taken from; one per style."
    )
    regions: tuple[Any, Any] | None = option(
        None, "Maps of content and style; regions of the same colour go together."
    )
    protect: Any = option(
        None, "Mask that is white over what must stay, such as a face."
    )
    outside: str = option(
        Outside.KEEP, "Pixels that no mask covers: keep them, or blend them in."
    )
    color: str = option(Color.STYLE, f"Colours: {any_of(Color)}.")
    colors_of: Any = option(
        None, f"Picture to take the colours from, for {any_of(PALETTES)}."
    )
    metadata: str = option(
        Metadata.PRIVATE,
        "What the file says of the photo: private (no place, no serial numbers), keep "
        "or none.",
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
    def dial(self) -> float | None:
        """The strength for which weights are to be found; None if they are given."""
        given = [self.content_weight, self.style_weight]
        if any(weight is not None for weight in given):
            return None
        return STRENGTH if self.strength is None else self.strength

    def changed(self, values: Mapping[str, Any]) -> Self:
        """Return these settings with other values, by name.

        A strength among them replaces weights, and weights replace a strength.

        Raises:
            UsageError: As the constructor.
        """
        replaced: Mapping[str, None] = {}
        if values.get("strength") is not None:
            replaced = dict.fromkeys(_BALANCE)
        elif any(values.get(name) is not None for name in _BALANCE):
            replaced = {"strength": None}
        return replace(self, **{**replaced, **values})

    @property
    def matched_layers(self) -> tuple[str, ...]:
        """Style layers that are compared position by position, if any.

        A content layer is compared with the content there, and with the style by its
        statistics.
        """
        content = self.content_layers.used
        layers = StyleLoss(self.style_loss).matched(self.style_layers.used)
        return tuple(layer for layer in layers if layer not in content)

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
        """Return the same settings with other paths, by their names in `files`."""
        changes: dict[str, Any] = {}
        for name in _NOT_FILES:
            value = getattr(self, name)
            if isinstance(value, tuple):
                numbered = enumerate(value, start=1)
                value = tuple(files.get(f"{name} {n}", path) for n, path in numbered)
            changes[name] = files.get(name, value)
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
        """Return the settings that `as_dict` described, with defaults for missing ones.

        Raises:
            UsageError: If a name is no setting, or a value is none of it.
        """
        if not isinstance(values, Mapping):
            problem = "expected a mapping from names of settings to values"
            raise UsageError(f"settings is {shown(values)}, {problem}")
        return cls(**{name: take(name, value) for name, value in values.items()})

    def _check_combinations(self) -> None:
        loss, matched = StyleLoss(self.style_loss), self.matched_layers
        if self.strength is not None:
            for name in _BALANCE:
                if getattr(self, name) is not None:
                    raise UsageError(
                        f"--strength cannot be combined with --{option_of(name)}: it "
                        "chooses the weights"
                    )
        self._exclude(f"style-loss {loss}", loss.excludes)
        if self.regions:
            self._exclude("regions", ("content_mask", "style_mask"))
        if loss.matched_from and not matched:
            raise UsageError(
                f"--style-loss {loss} needs a style layer of block {loss.matched_from} "
                f"or deeper that is no content layer, got --style-layers "
                f"{self.style_layers} and --content-layers {self.content_layers}"
            )
        if self.colors_of is not None and self.color not in PALETTES:
            raise UsageError(
                f"--colors-of cannot be combined with --color {self.color}: it is for "
                f"--color {' or '.join(PALETTES)}"
            )

    def _exclude(self, option: str, others: Iterable[str]) -> None:
        for name in others:
            if getattr(self, name):
                raise UsageError(
                    f"--{option} cannot be combined with --{option_of(name)}"
                )


#: Settings of the demonstration, which takes less than a minute.
DEMO: Final = Settings(iterations=100)
