"""3 × 3 convolutions by Winograd's minimal filtering, F(4 × 4, 3 × 3).

Lavin and Gray, arXiv:1509.09308, section 4.1: a tile of 6 × 6 pixels and a kernel are
each mapped to 36 values, the 36 products are made, summed over the channels and mapped
back to the 4 × 4 pixels of the output. That takes a quarter of the multiplications, and
makes the sum over channels a plain matrix product for each of the 36.

Four choices are specific to this implementation:

* The maps of tiles take time in proportion to the sum of input and output channels; the
  products save time in proportion to their product. `pays` decides between them.
* The kernels are mapped in a separate graph (`kernel_graph`) and fed to the others, so
  that all sessions share one copy, four times as large as the kernels.
* The input gradient, a convolution with flipped kernels, uses the *same* mapped
  kernels. Reversing a polynomial's coefficients inverts the points of evaluation:
  p(1/a) = p reversed (a) / a². So the gradient's tiles are mapped with the inverted
  points, and the mapped kernels only have their channels exchanged.
* The points are 0, 1, −1, ½, −2 and ∞, which round less than the usual 0, ±1, ±2, ∞
  (Barabasz et al., arXiv:1803.10986, on the choice of points).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Final

import numpy as np
from numpy.polynomial import polynomial
from numpy.typing import DTypeLike, NDArray

from lightstyle import contract

from . import ops
from .graph import Graph, Tensor
from .vgg import stored
from .weights import Weights

Matrix = NDArray[np.float64]

#: Pixels along a side of an output tile, of the kernel, and of an input tile.
OUTPUT, KERNEL = 4, 3
TILE: Final = OUTPUT + KERNEL - 1

#: Points at which the polynomials are evaluated, besides infinity; 0 comes first.
POINTS: Final = (Fraction(0), Fraction(1), Fraction(-1), Fraction(1, 2), Fraction(-2))

#: Least C·O/(C + O) at which this is faster. Measured break-even: about 46 on a
#: processor with AVX2, 52 on one with full-width AVX-512 (tests/benchmarks/README.md).
THRESHOLD: Final = 50.0


@dataclass(frozen=True, eq=False)
class Maps:
    """The three maps in one dimension; in two, they apply to rows and columns alike.

    Attributes:
        kernel: (6, 3).
        tile: (6, 6), of an input tile.
        output: (4, 6), of the products.
    """

    kernel: Matrix
    tile: Matrix
    output: Matrix


def pays(kernel: Tensor) -> bool:
    """Tell whether a convolution with `kernel` (O, C, h, w) is faster this way."""
    outputs, channels, *sides = kernel.shape
    if sides != [KERNEL, KERNEL] or not isinstance(outputs, int):
        return False
    assert isinstance(channels, int)
    return outputs * channels / (outputs + channels) >= THRESHOLD


def forward_maps(points: Sequence[Fraction] | None = None) -> Maps:
    """Return Toom and Cook's maps for `points`, by default `POINTS`, and infinity."""
    roots = [float(p) for p in points or POINTS]
    others = [[q for q in roots if q != p] for p in roots]
    scales = [
        np.prod([p - q for q in rest]) for p, rest in zip(roots, others, strict=True)
    ]
    tile = np.zeros((TILE, TILE))
    for row, rest in enumerate(others):
        tile[row, : TILE - 1] = polynomial.polyfromroots(rest)
    tile[-1] = polynomial.polyfromroots(roots)
    kernel = _powers(roots, KERNEL) / np.array([*scales, 1.0])[:, None]
    return Maps(kernel, tile, _powers(roots, OUTPUT).T)


def gradient_maps() -> Maps:
    """Return the maps of the input gradient; its kernel map is the forward, flipped."""
    inverted = [Fraction(0), *(1 / p for p in POINTS[1:])]
    exchanged = [TILE - 1, *range(1, TILE - 1), 0]  # 0 and infinity are inverses
    maps = forward_maps(inverted)
    kernel, tile = maps.kernel[exchanged], maps.tile[exchanged]
    turned = forward_maps().kernel[:, ::-1]
    ratios = (turned * kernel).sum(1) / (kernel * kernel).sum(1)
    return Maps(turned, tile / ratios[:, None], maps.output[:, exchanged])


def _powers(points: Sequence[float], count: int) -> Matrix:
    """Return (points and infinity, count): 1, p, p² …; for infinity 0, …, 0, 1."""
    infinity = [0.0] * (count - 1) + [1.0]
    return np.array([*([p**k for k in range(count)] for p in points), infinity])


def _squared(matrix: Matrix) -> Matrix:
    """Return the map of rows and columns at once: (a, b) → (a², b²)."""
    return np.asarray(np.kron(matrix, matrix), np.float64)


def kernel_graph(
    weights: Weights, layers: Sequence[str], dtype: DTypeLike = np.float32
) -> Graph:
    """Build the graph, without inputs, of the feeds of `conv` and `conv_gradient`."""
    graph = Graph(dtype=np.dtype(dtype))
    for name, maps in _tile_maps().items():
        tiles = _squared(maps.tile).reshape(TILE**2, 1, TILE, TILE)
        constant = graph.constant(tiles)
        graph.outputs[name] = graph.add("Identity", [constant], constant.shape)
    spread = graph.constant(_squared(forward_maps().kernel))
    for layer in layers:
        with graph.scope(layer):
            kernel = stored(graph, weights.kernels[layer], f"{layer}.weight")
            outputs, channels = weights.kernels[layer].shape[:2]
            rows = (outputs * channels, KERNEL**2)
            flat = ops.reshape(graph, kernel, rows, rows)
            mapped = ops.matmul(graph, spread, ops.transpose(graph, flat, (1, 0)))
            shape = (TILE**2, outputs, channels)
            name = contract.mapped_kernel(layer)
            graph.outputs[name] = ops.reshape(graph, mapped, shape, shape)
    return graph


def _tile_maps() -> dict[str, Maps]:
    return {
        contract.TILE_MAP: forward_maps(),
        contract.GRADIENT_TILE_MAP: gradient_maps(),
    }


def conv(graph: Graph, x: Tensor, layer: str, kernel: Tensor, bias: Tensor) -> Tensor:
    """Compute `ops.conv` of (1, C, H, W) with the mapped kernel fed for `layer`."""
    y = _filtered(graph, x, contract.TILE_MAP, _mapped(graph, layer, kernel))
    shape = (1, kernel.shape[0], 1, 1)
    return ops.add(graph, y, ops.reshape(graph, bias, shape, shape))


def conv_gradient(graph: Graph, g: Tensor, layer: str, kernel: Tensor) -> Tensor:
    """Compute `ops.conv_gradient` with the same mapped kernel."""
    exchanged = ops.transpose(graph, _mapped(graph, layer, kernel), (0, 2, 1))
    return _filtered(graph, g, contract.GRADIENT_TILE_MAP, exchanged)


def _mapped(graph: Graph, layer: str, kernel: Tensor) -> Tensor:
    """Return the feed with the mapped kernel of `layer`, (36, O, C)."""
    return graph.fed(contract.mapped_kernel(layer), (TILE**2, *kernel.shape[:2]))


def _filtered(graph: Graph, x: Tensor, tile_map: str, kernel: Tensor) -> Tensor:
    """Map tiles, multiply by `kernel` (36, O, C), map back, put the tiles in place.

    The map of tiles is a convolution. Because its kernel is fed, not constant,
    onnxruntime keeps it in the plain layout, without reordering and copying the largest
    tensor of the graph.
    """
    channels, outputs = x.shape[1], kernel.shape[1]
    maps = _tile_maps()[tile_map]
    single = ops.transpose(graph, x, (1, 0, 2, 3))
    across = [_tiles(dim) for dim in x.shape[2:]]
    shape = (channels, TILE**2, *across)
    weights = graph.fed(tile_map, (TILE**2, 1, TILE, TILE))
    sides = {"kernel_shape": [TILE, TILE], "strides": [OUTPUT, OUTPUT]}
    pads = [1, 1, OUTPUT, OUTPUT]  # the last tile may extend past the end
    tiles = graph.add("Conv", [single, weights], shape, pads=pads, **sides)

    count = f"{across[0]}*{across[1]}"
    rows = ops.reshape(graph, tiles, [0, 0, -1], (channels, TILE**2, count))
    # onnxruntime reads the transposed operand in place (FusedMatMul).
    rows = ops.transpose(graph, rows, (1, 0, 2))
    products = graph.add("MatMul", [kernel, rows], (TILE**2, outputs, count))

    wide = (TILE**2, f"{outputs}*{count}")
    joined = ops.reshape(graph, products, [TILE**2, -1], wide)
    pixels = ops.matmul(graph, graph.constant(_squared(maps.output)), joined)
    where = graph.add("Shape", [tiles], (2,), np.int64, start=2)
    depth = graph.constant(np.array([1, -1]))
    whole = ops.concat(graph, [depth, where], 0, 4)
    pixels = ops.reshape(graph, pixels, whole, (1, f"{OUTPUT**2}*{outputs}", *across))
    size = tuple(f"{OUTPUT}*({dim})" for dim in across)
    placed = graph.add(
        "DepthToSpace", [pixels], (1, outputs, *size), blocksize=OUTPUT, mode="DCR"
    )
    return ops.cropped(graph, placed, x)


def _tiles(dim: int | str) -> int | str:
    return -(-dim // OUTPUT) if isinstance(dim, int) else f"ceil({dim}/{OUTPUT})"
