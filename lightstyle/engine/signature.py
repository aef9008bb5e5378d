"""What the graphs of a model must give, by their roles and the model's layers."""

from collections.abc import Sequence

from .. import contract
from ..step_contract import STATE, following


def outputs(
    role: str, content_layers: Sequence[str], style_layers: Sequence[str]
) -> set[str]:
    """Return the outputs that the graph of a `role` must have.

    Args:
        role: Role of `contract`.
        content_layers: The model's layers with a content term.
        style_layers: The model's layers with a style term.
    """
    use = role.removeprefix(contract.GUIDED)
    if use in (contract.TARGETS, contract.CPU_TARGETS):
        return _targets(content_layers, style_layers)
    if use in (contract.EVALUATION, contract.CPU_EVALUATION):
        losses = {*map(contract.style_loss, style_layers), contract.TV_LOSS}
        return losses | _gradients(content_layers)
    if use.removesuffix(contract.WEBGPU) in (contract.STEP, contract.DESCENT):
        losses = set() if use.startswith(contract.STEP) else {contract.WEIGHTED_LOSSES}
        return losses | {*map(following, (contract.IMAGE, *STATE))}
    if role == contract.HEADS:
        made = (contract.style_loss, contract.normalised_gram, _sums_gradient)
        return {name(layer) for name in made for layer in style_layers}
    layers = contract.needed_layers((*content_layers, *style_layers))
    blocks = contract.block(layers[-1])
    for number in range(1, blocks + 1):
        own, content, style = (
            [layer for layer in of if contract.block(layer) == number]
            for of in (layers, content_layers, style_layers)
        )
        forward = {contract.FORWARD: content, contract.KEEPING: own}
        for sweep, given in forward.items():
            if role == contract.part_role(number, sweep):
                pooled = {contract.POOLED} if number < blocks else set()
                features = map(contract.activation, given)
                return {*features, *map(contract.gram_sums, style), *pooled}
        for sweep in (contract.BACKWARD, contract.KEPT):
            if role == contract.part_role(number, sweep):
                losses = _gradients(content)
                return losses | ({contract.TV_LOSS} if number == 1 else set())
    return set()


def _targets(content_layers: Sequence[str], style_layers: Sequence[str]) -> set[str]:
    features = map(contract.content_target, content_layers)
    return {*features, *map(contract.style_target, style_layers)}


def _gradients(content_layers: Sequence[str]) -> set[str]:
    return {contract.GRADIENT, *map(contract.content_loss, content_layers)}


def _sums_gradient(layer: str) -> str:
    return contract.sums_gradient(contract.gram_sums(layer))
