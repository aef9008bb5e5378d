"""Builds the loss terms, each from features to partial sums.

A term is the sum of its partial sums, and the model multiplies it by a weight that is
fed. The gradients are not written here: `backward` derives them.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from lightstyle import contract

from . import ops
from .graph import Graph, Tensor
from .vgg import stored
from .weights import Embedding, Weights


@dataclass(frozen=True)
class Term:
    """One term of the loss.

    Attributes:
        name: Name of the graph output with the partial sums.
        partials: Vectors whose elements add up to the term.
        weight: Scalar feed that the term is multiplied by.
    """

    name: str
    partials: tuple[Tensor, ...]
    weight: Tensor


@dataclass(frozen=True)
class LayerLosses:
    """Builds the losses at one layer.

    Attributes:
        graph: Where they go.
        layer: Name of the layer.
        weights: The network that the layer is in.
    """

    graph: Graph
    layer: str
    weights: Weights

    @property
    def embedding(self) -> Embedding | None:
        """Map from the layer's features to VGG19's, for a narrowed network."""
        return self.weights.embeddings.get(self.layer)

    def content(self, features: Tensor, mask: Tensor | None = None) -> Term:
        """Build the content term, with a partial sum for each channel.

        It is ½ Σ (F − P)², Gatys et al. 2015, equation 1. With an embedding, F and P
        are E z + e of features z: the offsets cancel, and distances of R z are those of
        E z.

        Args:
            features: (1, C, h, w).
            mask: (1, 1, h, w), 1 where a position counts and 0 elsewhere.
        """
        graph = self.graph
        target = graph.fed(contract.content_target(self.layer), features.shape)
        weight = graph.fed(contract.content_weight(self.layer), ())
        difference = ops.sub(graph, features, target)
        if mask is not None:
            difference = ops.mul(graph, difference, mask)
        if self.embedding is not None:
            linear = stored(graph, self.embedding.linear, f"{self.layer}.linear")
            pointwise = (*linear.shape, 1, 1)
            kernel = ops.reshape(graph, linear, pointwise, pointwise)
            difference = ops.conv(graph, difference, kernel)
        sums = ops.reduce_sum(graph, ops.square(graph, difference), (0, 2, 3))
        half = ops.scaled(graph, sums, 0.5)
        return Term(contract.content_loss(self.layer), (half,), weight)

    def normalised_gram(self, features: Tensor, guide: Tensor | None = None) -> Tensor:
        """Return G / M, the Gram matrix divided by the number of positions it sums.

        Gatys et al. 2015, equation 3, divide in the loss instead, by the M of the
        picture. That is the same if the style has the size of the picture, and wrong
        otherwise.

        With an embedding it is the matrix of R [z; 1], whose distances are those of the
        Gram matrices of E z + e. The matrix of z is made first and then mapped, block
        by block for z and the 1, so that no tensor has more channels than z at every
        position.

        With a `guide` (R, 1, h, w) there are R matrices, each Σ_k W_k F_ik F_jk with
        the weights W of a region, whose sum is 1: Gatys et al., arXiv:1611.07865,
        equation 5, with W for the squares of their guidance channels.
        """
        sums = self._sums(features, guide) if self.embedding is not None else None
        if guide is not None:
            return self._mapped(ops.guided_gram(self.graph, features, guide), sums)
        positions = ops.positions(self.graph, features)
        return self._normalised(ops.gram(self.graph, features), sums, positions)

    def sums(self, features: Tensor, guide: Tensor) -> dict[str, Tensor]:
        """Return the sums over positions that the style term needs, by name.

        They are Σ F Fᵀ and, for an embedding, Σ F.

        Args:
            features: (1, C, h, w).
            guide: (R, 1, h, w), the weight of each position in each region.
        """
        gram = ops.guided_gram(self.graph, features, guide)
        sums = {contract.gram_sums(self.layer): gram}
        if self.embedding is not None:
            sums[contract.feature_sums(self.layer)] = self._sums(features, guide)
        return sums

    def style(self, features: Tensor, guide: Tensor | None = None) -> Term:
        """Build the style term, with a partial sum for each row.

        It is 1/(4 N²) Σ (G/M − A/M_s)², Gatys et al. 2015, equation 4. N is the number
        of channels of VGG19, also for a narrowed network, whose losses estimate
        VGG19's; M and M_s are the numbers of positions of the picture and of the style.

        With a `guide` it is the sum over regions of the same, each multiplied by the
        weight fed for the region, with differences in the metric that is fed.
        """
        gram = self.normalised_gram(features, guide)
        return self._distance(gram, metric=guide is not None)

    def style_of_sums(
        self, gram: Tensor, sums: Tensor | None, positions: Tensor
    ) -> tuple[Term, Tensor]:
        """Build the style term from sums over positions instead of features.

        Args:
            gram: (C, C), Σ F_i F_j.
            sums: (C, 1), Σ F_i; only an embedding needs it.
            positions: Number of positions summed over, a scalar.

        Returns:
            The term, and the normalised Gram matrix that it compares.
        """
        gram = self._normalised(gram, sums, positions)
        return self._distance(gram, metric=True), gram

    def _sums(self, features: Tensor, guide: Tensor | None) -> Tensor:
        """Return Σ F over positions, a column; with a `guide`, one for each region."""
        graph = self.graph
        if guide is None:
            rows = ops.reduce_sum(graph, features, (0, 3))
        else:
            rows = ops.reduce_sum(graph, ops.mul(graph, features, guide), (3,))
        return ops.reduce_sum(graph, rows, (len(rows.shape) - 1,), keepdims=True)

    def _normalised(
        self, gram: Tensor, sums: Tensor | None, positions: Tensor
    ) -> Tensor:
        """Return `normalised_gram`, from Σ F Fᵀ and, for an embedding, Σ F."""
        moments = ops.div(self.graph, gram, positions)
        mean = None if sums is None else ops.div(self.graph, sums, positions)
        return self._mapped(moments, mean)

    def _mapped(self, moments: Tensor, mean: Tensor | None) -> Tensor:
        """Map second moments (…, C, C) by an embedding, which also needs the mean.

        Without an embedding they are returned unchanged. The mean is (…, C, 1).
        """
        graph, embedding = self.graph, self.embedding
        if embedding is None or mean is None:
            return moments
        linear = stored(graph, embedding.linear, f"{self.layer}.linear")
        constant = stored(graph, embedding.constant, f"{self.layer}.constant")
        back = ops.transposed(graph, linear)
        mapped = ops.matmul(graph, ops.matmul(graph, linear, moments), back)
        # Half of the constant, because `both` adds the cross term and its transpose.
        half = ops.scaled(graph, constant, 0.5)
        shifted = ops.add(graph, ops.matmul(graph, linear, mean), half)
        cross = ops.matmul(graph, shifted, ops.transposed(graph, constant))
        both = ops.add(graph, cross, ops.transposed(graph, cross))
        return ops.add(graph, mapped, both)

    def _distance(self, gram: Tensor, *, metric: bool) -> Term:
        """Build the distance of a Gram matrix from its target A.

        With a `metric` P it is that of P (G − A) P.
        """
        graph = self.graph
        target = graph.input(contract.style_target(self.layer), gram.shape)
        weight = graph.input(contract.style_weight(self.layer), ())
        difference = ops.sub(graph, gram, target)
        if metric:
            fed = graph.input(contract.style_metric(self.layer), gram.shape)
            difference = ops.matmul(graph, ops.matmul(graph, fed, difference), fed)
        axis = len(gram.shape) - 1
        sums = ops.reduce_sum(graph, ops.square(graph, difference), (axis,))
        if axis == 2:
            regions = graph.fed(contract.REGION_WEIGHT, (gram.shape[0], 1))
            sums = ops.mul(graph, sums, regions)
        mean = ops.scaled(graph, sums, 1 / (4 * contract.CHANNELS[self.layer] ** 2))
        return Term(contract.style_loss(self.layer), (mean,), weight)


def total_variation(graph: Graph, image: Tensor, mask: Tensor | None = None) -> Term:
    """Build the total variation term, with a partial sum for each row.

    It is the sum of squared differences between neighbours, in grey levels: Mahendran
    and Vedaldi, arXiv:1412.0035, equation 3 with β = 2, as in neural-style; it is not
    in Gatys et al. A `mask` (1, 1, H, W) of ones and zeros leaves out pixels, each with
    the differences from the pixels below and to the right of it.
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
    """Return all partial sums of a term in one vector."""
    if len(term.partials) == 1:
        return term.partials[0]
    return ops.concat(graph, term.partials, 0, f"{term.name}_sums")


def weighted(graph: Graph, terms: Sequence[Term]) -> dict[str, Tensor]:
    """Return all partial sums times their weights, and what they add up to by term.

    The former are what the optimiser's step compares, the latter what a host shows.
    """
    vectors = [_vector(graph, term) for term in terms]
    count = ops.added([vector.shape[0] for vector in vectors])
    totals = [ops.reduce_sum(graph, x, (0,), keepdims=True) for x in vectors]
    return {
        contract.WEIGHTED_SUMS: ops.concat(graph, vectors, 0, count),
        contract.WEIGHTED_LOSSES: ops.concat(graph, totals, 0, len(totals)),
    }


def _vector(graph: Graph, term: Term) -> Tensor:
    """Return all partial sums of a term times its weight."""
    parts = []
    for partial in term.partials:
        product = ops.mul(graph, partial, term.weight)
        if len(product.shape) > 1:
            count = "*".join(map(str, product.shape))
            product = ops.reshape(graph, product, [-1], (count,))
        parts.append(product)
    if len(parts) == 1:
        return parts[0]
    return ops.concat(graph, parts, 0, ops.added([part.shape[0] for part in parts]))
