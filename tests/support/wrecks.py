"""Broken pictures, weights and models."""

import os
import pickle
import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from export import build_model
from tests.conftest import draw_pictures
from tests.support.networks import image, tiny_weights


class _Hostile:
    def __reduce__(self) -> Any:
        return os.mkdir, ("executed",)


def make_wrecks(folder: Path, model: Path, foreign: Path) -> None:
    """Fill an empty `folder` with broken things, and good ones to run them with.

    Args:
        folder: Where commands are run.
        model: A good model of ours, which is copied.
        foreign: A good ONNX file that is none of ours.
    """
    draw_pictures(folder)
    for name in ("folder", "folder.png", "cache"):
        (folder / name).mkdir()
    levels = image(200, 300)
    for suffix in ("jpg", "png"):
        Image.fromarray(levels).save(folder / f"whole.{suffix}")
        data = (folder / f"whole.{suffix}").read_bytes()
        (folder / f"cut.{suffix}").write_bytes(data[: len(data) // 2])
    Image.fromarray(levels).save(folder / "style2.png")
    Image.fromarray(levels).save(folder / "out_0002.png")
    Image.new("RGB", (1, 1)).save(folder / "dot.png")
    Image.new("RGB", (20000, 1)).save(folder / "line.png")
    Image.new("1", (30000, 30000)).save(folder / "bomb.png")
    (folder / "empty.png").touch()
    (folder / "empty.onnx").touch()
    (folder / "text.jpg").write_text("not a picture\n" * 50)
    (folder / "drawing.svg").write_text('<svg xmlns="http://www.w3.org/2000/svg"/>')
    (folder / "hostile.pth").write_bytes(pickle.dumps(_Hostile()))
    tensors: dict[str, Any] = tiny_weights().tensors()
    tensors["conv1_1.bias"] = np.full(5, np.nan)
    np.savez(folder / "nan.npz", **tensors)
    _wreck_models(folder, model, foreign)


def _wreck_models(folder: Path, model: Path, foreign: Path) -> None:
    for suffix in (".onnx", ".targets.onnx", ".safetensors"):
        shutil.copy(model.with_suffix(suffix), folder / f"m{suffix}")
        # A graph knows its weights by name, so a copy keeps its siblings' names.
        shutil.copy(model.with_suffix(suffix), folder / model.with_suffix(suffix).name)
    whole = model.read_bytes()
    (folder / "cut.onnx").write_bytes(whole[: len(whole) // 2])
    shutil.copy(foreign, folder / "foreign.onnx")
    build_model(tiny_weights(1), folder / "flip.onnx")
    weights = bytearray((folder / "flip.safetensors").read_bytes())
    weights[-1] ^= 1
    (folder / "flip.safetensors").write_bytes(weights)
    build_model(tiny_weights(1), folder / "bare.onnx")
    (folder / "bare.safetensors").unlink()
    network = tiny_weights()
    biases = {**network.biases, "conv1_1": np.full(5, np.nan, np.float32)}
    build_model(replace(network, biases=biases), folder / "nan.onnx")
