"""Where a run first reached a loss, asking for as few losses as can be.

A loss costs a judge an evaluation, so only some calls of a run are judged beforehand;
between two of them the first that reached it is found by bisection, which is exact
where the loss falls from call to call, as that of the best picture so far does.
"""

from collections.abc import Callable, Mapping, Sequence


def first_reaching(
    target: float, judged: Sequence[int], loss_of: Callable[[int], float]
) -> int | None:
    """The first call, counted from 1, whose picture has a loss of `target` or less.

    Args:
        target: The loss to reach.
        judged: Calls to look at first, ascending.
        loss_of: Loss of the picture after a call.

    Returns:
        The call, or `None` if no judged picture is that good.
    """
    above = 0
    for call in judged:
        if loss_of(call) <= target:
            return _bisected(target, above, call, loss_of)
        above = call
    return None


def _bisected(
    target: float, above: int, reached: int, loss_of: Callable[[int], float]
) -> int:
    """Between a call that did not reach `target` and a later one that did."""
    while reached - above > 1:
        middle = (above + reached) // 2
        if loss_of(middle) <= target:
            reached = middle
        else:
            above = middle
    return reached


def best_until(calls: int, losses: Mapping[int, float]) -> tuple[int, float]:
    """The first of the best judged calls up to `calls`, and its loss.

    Raises:
        ValueError: No call until then was judged.
    """
    seen = {call: loss for call, loss in losses.items() if call <= calls}
    if not seen:
        raise ValueError(f"no call until {calls} was judged")
    best = min(seen, key=lambda call: (seen[call], call))
    return best, seen[best]
