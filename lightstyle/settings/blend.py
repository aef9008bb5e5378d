"""Several styles in one picture: what is said of each, and the target they share."""

from collections.abc import Iterable, Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from ..arrays import Array
from ..errors import UsageError
from ..images.picture import ImageSource

#: One picture to paint like, or several.
Styles = ImageSource | Sequence[ImageSource]

#: Types of `Settings.blend` and `Settings.style_scale`.
Blend = Sequence[float] | None
Scale = float | Sequence[float]


def several(style: Styles) -> tuple[ImageSource, ...]:
    """All pictures that `style` names.

    Raises:
        UsageError: If there is none.
    """
    if not isinstance(style, Sequence) or isinstance(style, str | bytes):
        return (style,)
    if not style:
        raise UsageError("style is empty, expected at least one picture")
    return tuple(style)


def parse_blend(text: str) -> Blend:
    """Read the option ``--blend``: ``3,1``.

    Raises:
        UsageError: If it is no list of numbers.
    """
    return _numbers("blend", text)


def parse_scale(text: str) -> Scale:
    """Read the option ``--style-scale``: ``1`` for all styles, or ``1,0.5``.

    Raises:
        UsageError: If it is no list of numbers.
    """
    numbers = _numbers("style-scale", text)
    return numbers if len(numbers) > 1 else numbers[0]


def shares(blend: Blend, count: int) -> tuple[float, ...]:
    """What each of `count` styles counts for; the sum is 1.

    Raises:
        UsageError: If `blend` is of another number of styles.
    """
    if blend is None:
        return (1 / count,) * count
    if len(blend) != count:
        raise UsageError(
            f"blend has {_counted(len(blend), 'number')}, expected one for each of "
            f"{_counted(count, 'style')}"
        )
    total = sum(blend)
    return tuple(weight / total for weight in blend)


def scales(scale: Scale, count: int) -> tuple[float, ...]:
    """The scale of each of `count` styles.

    Raises:
        UsageError: If there are several, but of another number of styles.
    """
    if not isinstance(scale, Sequence):
        return (scale,) * count
    if len(scale) != count:
        raise UsageError(
            f"style-scale has {_counted(len(scale), 'number')}, expected one for all "
            f"styles, or one for each of {_counted(count, 'style')}"
        )
    return tuple(scale)


def blended(styles: Iterable[tuple[float, Mapping[str, Array]]]) -> dict[str, Array]:
    """The common target of styles: the mean of their Gram matrices.

    A term of the loss for each style k, with shares b_k that add up to 1, would be the
    same loss for as many times the work. By bias and variance,

        Σ_k b_k ‖G − A_k‖² = ‖G − Σ_k b_k A_k‖² + Σ_k b_k ‖A_k − Σ_j b_j A_j‖²,

    where the last sum does not depend on the picture: the gradient, and with it every
    picture, is the same. So there is one term, with the target Σ_k b_k A_k.

    That holds for a narrowed network, too. Its targets are R S Rᵀ, linear in the second
    moments S of [z; 1], its features and a one; the moment of the one is 1 in every
    style, and in their mean because the shares add up to 1.

    Args:
        styles: Share and Gram matrices, by feed, of each.

    Returns:
        Matrices by feed, none of no styles. Of one style they are its own, bit for bit.
    """
    sums: dict[str, NDArray[np.float64]] = {}
    for share, grams in styles:
        for name, gram in grams.items():
            sums[name] = sums.get(name, np.float64(0)) + share * gram.astype(np.float64)
    return {name: total.astype(np.float32) for name, total in sums.items()}


def _numbers(option: str, text: str) -> tuple[float, ...]:
    try:
        return tuple(float(part) for part in text.split(","))
    except ValueError as error:
        raise UsageError(
            f"{option} is {text!r}, expected numbers with commas between them, one for "
            "each style, such as 3,1"
        ) from error


def _counted(count: int, what: str) -> str:
    return f"{count} {what}" if count == 1 else f"{count} {what}s"
