"""Paints a photo in the style of a painting, with ONNX Runtime, NumPy and Pillow alone.

python paint.py vgg19-lite.onnx photo.jpg painting.jpg out.png [EVALUATIONS SIDE]
"""

import sys
from pathlib import Path

import numpy as np
import onnxruntime
from PIL import Image

PAIRS = 20  # steps that the optimiser remembers
CONTENT = {"conv3_1": 1, "conv4_2": 1, "conv5_2": 700}
STYLE = {"conv1_1": 64, "conv2_1": 16, "conv3_1": 4, "conv4_1": 1, "conv5_1": 1}
Arrays = dict[str, np.ndarray]


def read(path: str, side: int) -> tuple[np.ndarray, tuple[slice, slice]]:
    """Return a picture in a mirrored frame, (1, 3, H, W), and where it lies there."""
    image = Image.open(path).convert("RGB")
    image.thumbnail((side, side), Image.Resampling.LANCZOS)
    spare = [-(-(s + 16) // 16) * 16 - s for s in (image.height, image.width)]
    pads = [(0, 0), *((lines // 2, lines - lines // 2) for lines in spare)]
    top, left = (lines // 2 for lines in spare)
    planes = np.asarray(image, np.float32).transpose(2, 0, 1)
    inside = slice(top, top + image.height), slice(left, left + image.width)
    return np.pad(planes, pads, mode="reflect")[None], inside


def constant(model: Path, content: np.ndarray, style: np.ndarray) -> Arrays:
    """Return the inputs that stay the same: targets, weights, and what may change."""
    session = onnxruntime.InferenceSession(model.with_suffix(".targets.onnx"))
    feeds = {"free": np.ones_like(content[:, :1])}
    for image, kind in ((content, "content"), (style, "style")):
        names = [o.name for o in session.get_outputs() if o.name.startswith(kind)]
        feeds |= zip(names, session.run(names, {"image": image}), strict=True)
    area = 512**2 / content[0, 0].size
    weights = {"tv_weight": 0.0}
    for name, shares, weight in (("content", CONTENT, area), ("style", STYLE, 30)):
        for layer, share in shares.items():
            weights[f"{name}_weight/{layer}"] = weight * share / sum(shares.values())
    return feeds | {name: np.array(w, np.float32) for name, w in weights.items()}


def start(partial_sums: int, height: int, width: int) -> Arrays:
    """Return the state before the first step: zeros."""
    slots, pictures = PAIRS + 1, ("point", "point_gradient", "direction")
    shapes: dict[str, tuple[int, ...]] = dict.fromkeys(pictures, (1, 3, height, width))
    shapes |= dict.fromkeys(("steps", "changes"), (3, height, slots, width))
    shapes |= {"inverse": (slots, slots), "numbers": (12,)}
    shapes["point_sums"] = (partial_sums,)
    return {name: np.zeros(shape, np.float32) for name, shape in shapes.items()}


def main(model: str, photo: str, painting: str, output: str, *numbers: str) -> None:
    """Paint `output`, and print the loss at every evaluation."""
    evaluations, side = (int(n) for n in numbers or (40, 128))
    session = onnxruntime.InferenceSession(Path(model).with_suffix(".descend.onnx"))
    image, inside = read(photo, side)
    feeds = constant(Path(model), image, read(painting, side)[0])
    (sums,) = next(i.shape for i in session.get_inputs() if i.name == "point_sums")
    height, width = image.shape[2:]
    state = start(int(sums.split("+")[0]) + 2 * height - 1, height, width)
    names = [output.name for output in session.get_outputs()]
    for number in range(evaluations):
        made = session.run(None, {**feeds, "image": image, **state})
        found = dict(zip(names, made, strict=True))
        image, state = found["next/image"], {n: found[f"next/{n}"] for n in state}
        loss, stalled = state["numbers"][[1, 9]]
        print(number + 1, f"{loss:.8e}")
        if stalled or not np.isfinite(loss):
            break
    painted = state["point"][0][:, *inside].transpose(1, 2, 0)
    Image.fromarray(painted.round().astype(np.uint8)).save(output)


main(*sys.argv[1:])
