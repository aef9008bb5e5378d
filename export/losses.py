"""The loss terms, each a fragment of graph from features to partial sums.

A term is Σ of its partial sums; the model multiplies it by a weight that is fed. Their
gradients are not written here: `backward` derives them.
"""

from dataclasses import dataclass

import numpy as np

from lightstyle import contract

from . import ops
from .graph import Graph, Tensor
from .vgg import stored
from .weights import Embedding


@dataclass(frozen=True)
class Term:
    """One term of the loss.

    Attributes:
        name: Name of the output that carries the partial sums.
        partials: Vectors whose elements add up to the term.
        weight: The scalar feed that the term is multiplied by.
    """

    name: str
    partials: tuple[Tensor, ...]
    weight: Tensor


def content(
    graph: Graph,
    features: Tensor,
    layer: str,
    embedding: Embedding | None = None,
    mask: Tensor | None = None,
) -> Term:
    """½ Σ (F − P)², Gatys et al. 2015, equation 1; a partial sum for each channel.

    A `mask` (1, 1, h, w) of ones and zeros leaves positions out.

    With an `embedding` F is E z + e of the features z, and so is P: the offsets cancel,
    and R z has the distances of E z.
    """
    target = graph.fed(contract.content_target(layer), features.shape)
    weight = graph.fed(contract.content_weight(layer), ())
    difference = ops.sub(graph, features, target)
    if mask is not None:
        difference = ops.mul(graph, difference, mask)
    if embedding is not None:
        linear = stored(graph, embedding.linear, f"{layer}.linear")
        pointwise = (*linear.shape, 1, 1)
        shape = graph.constant(np.array(pointwise))
        kernel = ops.reshape(graph, linear, shape, pointwise)
        difference = ops.conv(graph, difference, kernel)
    sums = ops.reduce_sum(graph, ops.square(graph, difference), (0, 2, 3))
    half = ops.scaled(graph, sums, 0.5)
    return Term(contract.content_loss(layer), (half,), weight)


def normalised_gram(
    graph: Graph,
    features: Tensor,
    layer: str,
    embedding: Embedding | None = None,
    guide: Tensor | None = None,
) -> Tensor:
    """G / M, the Gram matrix divided by the number of positions it sums over.

    Departure from Gatys et al. 2015, equation 3: they divide in the loss, by the M of
    the picture, which is the same while the style has the picture's size and wrong as
    soon as it has not.

    With an `embedding` it is that of R [z; 1], which has the distances of the Gram
    matrices of E z + e. The matrix of z is made first and mapped then, block by block
    for z and the 1, so that nothing is wider than z at every position.

    With a `guide` (R, 1, h, w) there are R matrices, each Σ_k W_k F_ik F_jk with the
    weights W of a region, whose sum is 1: Gatys et al., arXiv:1611.07865, equation 5,
    with W for the squares of their guidance channels.
    """
    sums = _sums(graph, features, guide) if embedding is not None else None
    if guide is not None:
        gram = ops.guided_gram(graph, features, guide)
        return _mapped(graph, gram, sums, layer, embedding)
    positions = ops.positions(graph, features)
    gram = ops.gram(graph, features)
    return _normalised(graph, gram, sums, positions, layer, embedding)


def guided_sums(
    graph: Graph, features: Tensor, guide: Tensor, layer: str, *, single: bool
) -> dict[str, Tensor]:
    """Sums over positions that style terms are made of, for each region, by name.

    Args:
        graph: Where they go.
        features: (1, C, h, w).
        guide: (R, 1, h, w), what each position counts in each region.
        layer: Of the features.
        single: Whether Σ F is wanted beside Σ F Fᵀ.
    """
    sums = {contract.gram_sums(layer): ops.guided_gram(graph, features, guide)}
    if single:
        sums[contract.feature_sums(layer)] = _sums(graph, features, guide)
    return sums


def _sums(graph: Graph, features: Tensor, guide: Tensor | None) -> Tensor:
    """Σ over positions of F, a column; with a `guide` one for each region."""
    if guide is None:
        rows = ops.reduce_sum(graph, features, (0, 3))
    else:
        rows = ops.reduce_sum(graph, ops.mul(graph, features, guide), (3,))
    return ops.reduce_sum(graph, rows, (len(rows.shape) - 1,), keepdims=True)


def _normalised(
    graph: Graph,
    gram: Tensor,
    sums: Tensor | None,
    positions: Tensor,
    layer: str,
    embedding: Embedding | None,
) -> Tensor:
    """`normalised_gram` of the sums over all positions of F Fᵀ and, if mapped, of F."""
    moments = ops.div(graph, gram, positions)
    mean = None if sums is None else ops.div(graph, sums, positions)
    return _mapped(graph, moments, mean, layer, embedding)


def _mapped(
    graph: Graph,
    moments: Tensor,
    mean: Tensor | None,
    layer: str,
    embedding: Embedding | None,
) -> Tensor:
    """Second moments, (…, C, C), in an embedding, which also needs the (…, C, 1) mean.

    As they are without one.
    """
    if embedding is None or mean is None:
        return moments
    linear = stored(graph, embedding.linear, f"{layer}.linear")
    constant = stored(graph, embedding.constant, f"{layer}.constant")
    back = ops.transposed(graph, linear)
    mapped = ops.matmul(graph, ops.matmul(graph, linear, moments), back)
    # With half of the constant's own square in it, the cross term brings all of it.
    half = ops.scaled(graph, constant, 0.5)
    shifted = ops.add(graph, ops.matmul(graph, linear, mean), half)
    cross = ops.matmul(graph, shifted, ops.transposed(graph, constant))
    both = ops.add(graph, cross, ops.transposed(graph, cross))
    return ops.add(graph, mapped, both)


def style(
    graph: Graph,
    features: Tensor,
    layer: str,
    embedding: Embedding | None = None,
    guide: Tensor | None = None,
) -> Term:
    """1/(4 N²) Σ (G/M − A/M_s)², Gatys et al. 2015, equation 4; a sum for each row.

    N is VGG19's own number of channels, so that a network with fewer is not rewarded
    for them; M and M_s are the positions of the picture and of the style.

    With a `guide`, Σ over regions of the same, each times what is fed for it, and of
    differences in the metric that is fed.
    """
    gram = normalised_gram(graph, features, layer, embedding, guide)
    return _distance(graph, gram, layer, metric=guide is not None)


def style_of_sums(
    graph: Graph,
    gram: Tensor,
    sums: Tensor | None,
    positions: Tensor,
    layer: str,
    embedding: Embedding | None = None,
) -> tuple[Term, Tensor]:
    """`style` of features of which only their sums over all positions are known.

    The normalised Gram matrix that it compares comes with it.

    Args:
        graph: Where the term goes.
        gram: (C, C), Σ F_i F_j.
        sums: (C, 1), Σ F_i; only an `embedding` needs it.
        positions: How many were summed over, a scalar.
        layer: Of the features.
        embedding: As for `normalised_gram`.
    """
    gram = _normalised(graph, gram, sums, positions, layer, embedding)
    return _distance(graph, gram, layer, metric=True), gram


def _distance(graph: Graph, gram: Tensor, layer: str, *, metric: bool) -> Term:
    """Of a Gram matrix from its target; ‖P (G − A) P‖², if there is a `metric` P."""
    target = graph.input(contract.style_target(layer), gram.shape)
    weight = graph.input(contract.style_weight(layer), ())
    difference = ops.sub(graph, gram, target)
    if metric:
        fed = graph.input(contract.style_metric(layer), gram.shape)
        difference = ops.matmul(graph, ops.matmul(graph, fed, difference), fed)
    axis = len(gram.shape) - 1
    sums = ops.reduce_sum(graph, ops.square(graph, difference), (axis,))
    if axis == 2:
        regions = graph.fed(contract.REGION_WEIGHT, (gram.shape[0], 1))
        sums = ops.mul(graph, sums, regions)
    mean = ops.scaled(graph, sums, 1 / (4 * contract.CHANNELS[layer] ** 2))
    return Term(contract.style_loss(layer), (mean,), weight)


def total_variation(graph: Graph, image: Tensor, mask: Tensor | None = None) -> Term:
    """Σ of squared differences between neighbours, in grey levels; a sum for each row.

    A `mask` (1, 1, H, W) of ones and zeros leaves out pixels, each with the differences
    to the ones below and to the right of it.

    Not in Gatys et al.; Mahendran and Vedaldi, arXiv:1412.0035, equation 3 with β = 2,
    as neural-style has it.
    """
    weight = graph.fed(contract.TV_WEIGHT, ())
    partials = []
    for axis in (2, 3):
        shifted = ops.trim(graph, image, axis, front=True)
        step = ops.sub(graph, shifted, ops.trim(graph, image, axis, front=False))
        if mask is not None:
            step = ops.mul(graph, step, ops.trim(graph, mask, axis, front=False))
        partials.append(ops.reduce_sum(graph, ops.square(graph, step), (0, 1, 3)))
    return Term(contract.TV_LOSS, tuple(partials), weight)


def joined(graph: Graph, term: Term) -> Tensor:
    """All partial sums of a term, in one vector."""
    if len(term.partials) == 1:
        return term.partials[0]
    return ops.concat(graph, term.partials, 0, f"{term.name}_sums")
