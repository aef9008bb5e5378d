"""What the exporter and the run time agree on of a model's files.

A model is one weights file and a few small graphs beside it that refer into it as ONNX
external data. For a model called ``vgg19.onnx`` these are

    vgg19.safetensors        the network's tensors, whichever of them the graphs use
    vgg19.onnx               role ``evaluation``: loss terms and their image gradient
    vgg19.targets.onnx       role ``targets``: the targets of a picture, forward only
    vgg19.cpu.onnx           role ``evaluation for CPUs``: the same, faster there
    vgg19.cpu.targets.onnx   role ``targets for CPUs``
    vgg19.cpu.kernels.onnx   role ``kernels``: what those two need beside their feeds
    vgg19.cpu.forward1.onnx, vgg19.cpu.backward1.onnx, vgg19.cpu.keeping1.onnx,
    vgg19.cpu.kept1.onnx …, vgg19.cpu.heads.onnx
                             the evaluation in parts, for each block of VGG19

    vgg19.step.onnx, vgg19.webgpu.step.onnx
                             role ``step``: one step of the optimiser
    vgg19.descend.onnx, vgg19.webgpu.descend.onnx
                             role ``descent``: the first graph and that step in one

    vgg19.guided.onnx, vgg19.guided.targets.onnx, vgg19.cpu.guided.onnx,
    vgg19.cpu.guided.targets.onnx
                             the first and the second pair for pictures with regions

Those with ``cpu`` in their names are there unless the model was exported with
``--lowering none``; the others run on every device.

The outputs of the targets graph bear the names of the evaluation graph's inputs: what
comes out of the one is fed into the other.

Evaluation graph, for every content layer c and every style layer s it was built with
(C channels and h × w positions at that layer, k the number of partial sums; where a
narrowed network has a map to VGG19's features, the Gram matrix is (C + 1, C + 1)):

    image               (1, 3, H, W)   RGB, 0…255
    content_target/c    (1, C, h, w)   features of the content picture
    style_target/s      (C, C)         Gram matrix of the style, divided by positions
    content_weight/c, style_weight/s, tv_weight     scalars
  →
    gradient            (1, 3, H, W)   d(weighted sum of the terms)/d(image)
    content_loss/c, style_loss/s, tv_loss           (k,) partial sums, without weights
    weighted_sums       (K,)           all of them times their weights
    weighted_losses     (T,)           the terms times their weights, in the order of
                                       `terms`

Where a picture has R regions, each with a style of its own, or differences of Gram
matrices are to count in a metric, there are the guided graphs. They have one more input
for each block b with style layers; the evaluation has the others as well:

    guide/b             (R, 1, h, w)   what a position counts in a region; the sum is 1
    region_weight       (R, 1)         what a region counts
    style_target/s      (R, C, C)      its Gram matrix; style_loss/s is (R, k) then
    style_metric/s      (R, C, C)      P, symmetric; differences D count as P D P

The graphs for CPUs have more inputs: ``kernel/l`` of some layers l, ``tile_map``, and
in the evaluation ``gradient_tile_map``. They are the outputs of the kernels graph,
which has no inputs, and the same at every evaluation.

A part is a strip of a block's input x, (1, C, H, W), with more lines than count;
``mask`` (1, 1, H, W) is 1 where they do, ``part_guide`` (R, 1, H, W) what they count in
each region, or in the whole picture; forward it is 0 where they do not. Block b has

    forward b    part, part_guide → pooled (1, C', H/2, W/2), activation/c (1, C, H, W),
                 gram_sums/s (R, C, C) and, in a narrowed network, feature_sums/s
                 (R, C, 1): sums over the positions that count
    backward b   part, mask, part_guide, pooled_gradient, gradient/gram_sums/s and
                 gradient/feature_sums/s, content_target/c, content_weight/c, tv_weight
                 → gradient of x, content_loss/c, tv_loss
    keeping b    forward with activation/l of every layer l
    kept b       backward with activation/l as feeds, which need not be computed anew;
                 of the first block alone the part
    heads        of one region: gram_sums/s (C, C), feature_sums/s (C, 1), positions/s,
                 style_target/s, style_metric/s, style_weight/s
                 → style_loss/s, gradient/gram_sums/s,
                 gradient/feature_sums/s, gram/s: what a style target is compared with

The step's graph is described in `step_contract`. The descent's is the evaluation, the
portable one, with the step after it.

A size that the feeds decide is named by a formula of H, W, the R regions and the M
slots of a history, as ``H/16`` with the quotient rounded down, so that whoever reads
the shapes of a graph's inputs can make them.

Everything is float32. The host adds the partial sums in float64, because a float32 sum
resolves too little for a line search, and multiplies them by the weights.
"""

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Final

VERSION: Final = "0.1.0"

#: Raised whenever a model built before could no longer be driven as described above.
SCHEMA: Final = 4

#: The convolutions of VGG19 that a model may hold, with the width of each.
CHANNELS: Final[dict[str, int]] = {
    "conv1_1": 64,
    "conv1_2": 64,
    "conv2_1": 128,
    "conv2_2": 128,
    "conv3_1": 256,
    "conv3_2": 256,
    "conv3_3": 256,
    "conv3_4": 256,
    "conv4_1": 512,
    "conv4_2": 512,
    "conv4_3": 512,
    "conv4_4": 512,
    "conv5_1": 512,
    "conv5_2": 512,
    "conv5_3": 512,
}
LAYERS: Final = tuple(CHANNELS)
POOLINGS: Final = ("max", "average")

#: The smallest height or width: four poolings leave two positions of it.
MINIMUM_SIDE: Final = 32

#: The largest: no machine has the memory for a picture with two of them.
MAXIMUM_SIDE: Final = 10**6

#: The width and height at which the content and total variation weights are Gatys'.
REFERENCE_SIDE: Final = 512

EVALUATION: Final = "evaluation"
TARGETS: Final = "targets"
CPU_EVALUATION: Final = "evaluation for CPUs"
CPU_TARGETS: Final = "targets for CPUs"
KERNELS: Final = "kernels"
GUIDED: Final = "guided "
STEP: Final = "step"
DESCENT: Final = "descent"
WEBGPU: Final = " for WebGPU"
HEADS: Final = "heads"

#: The sweeps over the parts of a picture, forward and backward; and both again where
#: activations are kept between them.
FORWARD: Final = "forward"
BACKWARD: Final = "backward"
KEEPING: Final = "keeping"
KEPT: Final = "kept"
SWEEPS: Final = FORWARD, BACKWARD, KEEPING, KEPT

IMAGE: Final = "image"
GRADIENT: Final = "gradient"
WEIGHTED_SUMS: Final = "weighted_sums"
WEIGHTED_LOSSES: Final = "weighted_losses"
TV_LOSS: Final = "tv_loss"
TV_WEIGHT: Final = "tv_weight"
TILE_MAP: Final = "tile_map"
PART: Final = "part"
PART_MASK: Final = "mask"
PART_GUIDE: Final = "part_guide"
REGION_WEIGHT: Final = "region_weight"
POOLED: Final = "pooled"
POOLED_GRADIENT: Final = "pooled_gradient"
GRADIENT_TILE_MAP: Final = "gradient_tile_map"

META_SCHEMA: Final = "lightstyle.schema"
META_ROLE: Final = "lightstyle.role"
META_CONTENT_LAYERS: Final = "lightstyle.content_layers"
META_STYLE_LAYERS: Final = "lightstyle.style_layers"
META_POOLING: Final = "lightstyle.pooling"
META_PREPROCESSING: Final = "lightstyle.preprocessing"
META_SOURCE: Final = "lightstyle.source"
META_SOURCE_DIGEST: Final = "lightstyle.source_sha256"
META_WEIGHTS_DIGEST: Final = "lightstyle.weights_sha256"
META_COSTS: Final = "lightstyle.bytes_per_position"
META_GENERATOR: Final = "lightstyle.generator"

#: What the elements of `WEIGHTED_LOSSES` and of the step's ``numbers`` are called, in
#: the graphs that have them.
META_TERMS: Final = "lightstyle.terms"
META_NUMBERS: Final = "lightstyle.numbers"


def terms(content_layers: Sequence[str], style_layers: Sequence[str]) -> list[str]:
    """Return the names of all terms of the loss, in the order of the network."""
    named = (content_layers, content_loss), (style_layers, style_loss)
    found = [
        name(layer) for layer in LAYERS for layers, name in named if layer in layers
    ]
    return [*found, TV_LOSS]


def content_target(layer: str) -> str:
    """Return the name of the content features of `layer`."""
    return f"content_target/{layer}"


def style_target(layer: str) -> str:
    """Return the name of the Gram matrix of `layer`."""
    return f"style_target/{layer}"


def style_metric(layer: str) -> str:
    """Return the name of the metric for Gram matrices of `layer`."""
    return f"style_metric/{layer}"


def content_weight(layer: str) -> str:
    """Return the name of the weight of the content term at `layer`."""
    return f"content_weight/{layer}"


def style_weight(layer: str) -> str:
    """Return the name of the weight of the style term at `layer`."""
    return f"style_weight/{layer}"


def content_loss(layer: str) -> str:
    """Return the name of the partial sums of the content term at `layer`."""
    return f"content_loss/{layer}"


def style_loss(layer: str) -> str:
    """Return the name of the partial sums of the style term at `layer`."""
    return f"style_loss/{layer}"


def guide(number: int) -> str:
    """Return the name of the region weights of the positions of block `number`."""
    return f"guide/{number}"


def activation(layer: str) -> str:
    """Return the name of the features of a part at `layer`."""
    return f"activation/{layer}"


def gram_sums(layer: str) -> str:
    """Return the name of Σ F_i F_j over the positions of a part at `layer`."""
    return f"gram_sums/{layer}"


def normalised_gram(layer: str) -> str:
    """Return the name of the Gram matrix made from the sums at `layer`."""
    return f"gram/{layer}"


def feature_sums(layer: str) -> str:
    """Return the name of Σ F_i over a part at `layer` of a narrowed network."""
    return f"feature_sums/{layer}"


def positions(layer: str) -> str:
    """Return the name of the number of positions of the whole picture at `layer`."""
    return f"positions/{layer}"


def sums_gradient(name: str) -> str:
    """Return the name of the gradient of the loss by the sums called `name`."""
    return f"gradient/{name}"


def mapped_kernel(layer: str) -> str:
    """Return the name of the mapped kernel of `layer`."""
    return f"kernel/{layer}"


def block(layer: str) -> int:
    """Return the VGG block of `layer`, from 1: the poolings before it, plus one."""
    return int(layer[len("conv")])


def needed_layers(losses: Iterable[str]) -> tuple[str, ...]:
    """Return all layers up to the deepest of those with `losses`."""
    return LAYERS[: max(map(LAYERS.index, losses)) + 1]


def targets_path(model: Path) -> Path:
    """Return the path of the targets graph of the model at `model`."""
    return model.with_suffix(".targets.onnx")


def cpu_path(model: Path) -> Path:
    """Return the path of the evaluation graph for CPUs of the model at `model`."""
    return model.with_suffix(".cpu.onnx")


def guided_path(model: Path) -> Path:
    """Return the path of the guided graph of `model`, or of its `cpu_path`."""
    return model.with_suffix(".guided.onnx")


def webgpu_path(model: Path) -> Path:
    """Return the path whose `step_path` and `descent_path` are in WebGPU's form."""
    return model.with_suffix(".webgpu.onnx")


def step_path(model: Path) -> Path:
    """Return the path of the optimiser's step of `model`, or of its `webgpu_path`."""
    return model.with_suffix(".step.onnx")


def descent_path(model: Path) -> Path:
    """Return the path of evaluation and step in one, as `step_path`."""
    return model.with_suffix(".descend.onnx")


def kernels_path(model: Path) -> Path:
    """Return the path of the kernels graph of the model at `model`."""
    return cpu_path(model).with_suffix(".kernels.onnx")


def part_role(number: int, sweep: str) -> str:
    """Return the role of the graph of block `number`, from 1, in the `sweep`."""
    return f"{sweep} part {number}"


def part_path(model: Path, number: int, sweep: str) -> Path:
    """Return the path of the graph of block `number`, from 1, in the `sweep`."""
    return cpu_path(model).with_suffix(f".{sweep}{number}.onnx")


def heads_path(model: Path) -> Path:
    """Return the path of the graph of style losses from sums of `model`."""
    return cpu_path(model).with_suffix(".heads.onnx")


def graph_paths(model: Path) -> dict[Path, str]:
    """Return the role of every graph that `model` may have, by its path.

    The evaluation graph comes last: without it, nothing takes the others for a model.
    """
    parts = {
        part_path(model, number, sweep): part_role(number, sweep)
        for number in range(1, block(LAYERS[-1]) + 1)
        for sweep in SWEEPS
    }
    fast, webgpu = cpu_path(model), webgpu_path(model)
    return {
        **parts,
        step_path(webgpu): STEP + WEBGPU,
        descent_path(webgpu): DESCENT + WEBGPU,
        step_path(model): STEP,
        descent_path(model): DESCENT,
        heads_path(model): HEADS,
        targets_path(guided_path(fast)): GUIDED + CPU_TARGETS,
        guided_path(fast): GUIDED + CPU_EVALUATION,
        targets_path(fast): CPU_TARGETS,
        kernels_path(model): KERNELS,
        fast: CPU_EVALUATION,
        targets_path(guided_path(model)): GUIDED + TARGETS,
        guided_path(model): GUIDED + EVALUATION,
        targets_path(model): TARGETS,
        model: EVALUATION,
    }


def weights_path(model: Path) -> Path:
    """Return the path of the weights file of the model at `model`."""
    return model.with_suffix(".safetensors")
