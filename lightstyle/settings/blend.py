"""How much each of several styles counts in one picture, and at which scale."""

from collections.abc import Sequence

from ..errors import UsageError

#: Types of `Settings.blend` and `Settings.style_scale`.
Blend = Sequence[float] | None
Scale = float | Sequence[float]


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


def _counted(count: int, what: str) -> str:
    return f"{count} {what}" if count == 1 else f"{count} {what}s"
