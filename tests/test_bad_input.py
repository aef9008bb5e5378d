"""What a person can get wrong ends in one line, a documented code, no new file."""

import errno
import os
import pickle
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from export import build_model
from lightstyle import contract, registry
from lightstyle.errors import ExitCode
from tests.conftest import Runner, draw_pictures
from tests.networks import picture, tiny_weights

# Arguments of a command, its exit code, and words of the line that it prints.
Case = tuple[list[str], ExitCode, str]

TEXTURE = ["texture", "style.png", "--size", "64x64", "-o", "out.png"]
STYLIZE = ["stylize", "content.png", "style.png", "-o", "out.png"]


def _stylize(*options: str) -> list[str]:
    return [*STYLIZE, "--iterations", "2", "--size", "48", *options]


def _styles(*options: str) -> list[str]:
    return ["stylize", "content.png", "style.png", "style2.png", "-o=out.png", *options]


def _content(path: str) -> list[str]:
    return ["stylize", path, "style.png", "-o", "out.png"]


PICTURES: dict[str, tuple[list[str], str]] = {
    "missing content": (_content("no.png"), "content no.png"),
    "missing style": (["stylize", "content.png", "no.png", "-o", "out.png"], "style"),
    "missing second style": (
        ["stylize", "content.png", "style.png", "no.png", "-o", "out.png"],
        "style no.png",
    ),
    "folder as content": (_content("folder"), "content folder"),
    "empty file": (_content("empty.png"), "empty.png"),
    "truncated JPEG": (_content("cut.jpg"), "cut.jpg"),
    "truncated PNG": (_content("cut.png"), "cut.png"),
    "text called .jpg": (_content("text.jpg"), "text.jpg"),
    "vector graphics": (_content("drawing.svg"), "drawing.svg"),
    "1 × 1": (_content("dot.png"), "1×1"),
    "20000 × 1": (_content("line.png"), "20000×1"),
    "decompression bomb": (_content("bomb.png"), "megapixels"),
    "unreadable palette": (
        _stylize("--color", "match-style", "--colors-of", "no.png"),
        "colors-of no.png",
    ),
    "unreadable init": (_stylize("--init", "no.png"), "init no.png"),
    "tiny texture style": (
        ["texture", "dot.png", "--size", "64x64", "-o", "out.png"],
        "style",
    ),
}

SETTINGS: dict[str, tuple[list[str], str]] = {
    "unknown layer": (_stylize("--content-layers", "conv6_1"), "conv6_1"),
    "layer twice": (_stylize("--style-layers", "conv1_1,conv1_1"), "given twice"),
    "no layer": (_stylize("--style-layers", ""), "at least one with a weight"),
    "layer weight no number": (_stylize("--style-layers", "conv1_1:x"), "'x'"),
    "negative layer weight": (_stylize("--style-layers", "conv1_1:-1"), "0 or more"),
    "negative weight": (_stylize("--style-weight", "-1"), "style-weight"),
    "weight not a number": (_stylize("--content-weight", "nan"), "content-weight"),
    "infinite weight": (_stylize("--tv-weight", "inf"), "tv-weight"),
    "zero iterations": (_stylize("--iterations", "0"), "iterations"),
    "iterations in words": (_stylize("--iterations", "many"), "iterations"),
    "size too small": (_stylize("--size", "8"), "size"),
    "noise over one": (_stylize("--init-noise", "2"), "init-noise"),
    "negative seed": (_stylize("--seed", "-1"), "seed"),
    "unknown pooling": (_stylize("--pooling", "median"), "max or average"),
    "style scale zero": (_stylize("--style-scale", "0"), "style-scale"),
    "second style scale zero": (_stylize("--style-scale", "1,0"), "style-scale is 0"),
    "style scales in words": (_stylize("--style-scale", "1,x"), "style-scale is '1,x'"),
    "more style scales than styles": (_stylize("--style-scale", "1,2"), "each of 1"),
    "more shares than styles": (_stylize("--blend", "1,2"), "blend has 2 numbers"),
    "fewer shares than styles": (_styles("--blend", "1"), "each of 2 styles"),
    "blend of zeros": (_styles("--blend", "0,0"), "blend is 0,0"),
    "negative share": (_styles("--blend", "2,-1"), "blend is -1"),
    "share no number": (_styles("--blend", "2,nan"), "blend is nan"),
    "infinite blend": (_styles("--blend", "1e308,1e308"), "finite sum"),
    "blend in words": (_styles("--blend", "half"), "blend is 'half'"),
    "empty blend": (_styles("--blend="), "blend is ''"),
    "no threads": (_stylize("--threads", "0"), "threads"),
    "unknown device": (_stylize("--device", "tpu"), "auto, cpu, cuda"),
    "bits between": (_stylize("--bits", "12"), "8 or 16"),
    "negative save-every": (_stylize("--save-every", "-1"), "save-every"),
    "texture size in words": (
        ["texture", "style.png", "--size", "large", "-o", "out.png"],
        "WIDTHxHEIGHT",
    ),
    "texture too small": (
        ["texture", "style.png", "--size", "64x8", "-o", "out.png"],
        "at least 32",
    ),
    "texture from content": (
        ["texture", "style.png", "--size", "64x64", "-o", "out.png", "--init=content"],
        "no such picture",
    ),
    "unknown color": (_stylize("--color", "sepia"), "content-chroma"),
    "palette without use": (_stylize("--colors-of", "style.png"), "match-style"),
    "chroma of another picture": (
        _stylize("--color", "content-chroma", "--colors-of", "style.png"),
        "none with color content-chroma",
    ),
    "texture without a palette": (
        [*TEXTURE, "--color", "match-style"],
        "give colors-of",
    ),
    "texture with content chroma": (
        [*TEXTURE, "--color", "content-chroma"],
        "no content",
    ),
    "unknown option": (_stylize("--brush", "5"), "--brush"),
    "unknown command": (["paint", "content.png"], "paint"),
    "missing style argument": (["stylize", "content.png", "-o", "out.png"], "style"),
    "missing output": (["stylize", "content.png", "style.png"], "output"),
    "unknown suffix": ([*STYLIZE[:4], "out.xyz"], "suffix"),
    "16 bits in JPEG": ([*STYLIZE[:4], "out.jpg", "--bits", "16"], "16 bits"),
    "log is the picture": (_stylize("--log", "out.png"), "also a picture"),
}

OUTPUTS: dict[str, tuple[list[str], str]] = {
    "missing folder": ([*STYLIZE[:4], "no/out.png"], "no folder"),
    "folder as output": ([*STYLIZE[:4], "folder.png"], "directory"),
    "existing output": ([*STYLIZE[:4], "style2.png"], "exists"),
    "output is content": ([*STYLIZE[:4], "content.png", "--overwrite"], "input"),
    "output is style": ([*STYLIZE[:4], "style.png", "--overwrite"], "input"),
    "output is the second style": (
        [*_styles()[:4], "-o", "style2.png", "--overwrite"],
        "input",
    ),
    "output is palette": (
        _stylize("-o", "style2.png", "--color=match-style", "--colors-of=style2.png"),
        "input",
    ),
    "existing log": (_stylize("--log", "text.jpg"), "exists"),
    "log in no folder": (_stylize("--log", "no/log"), "no folder"),
    "existing save": (
        [*STYLIZE, "--save-every", "2", "--iterations", "3", "--size", "48"],
        "out_0002.png",
    ),
}

MODELS: dict[str, tuple[list[str], str]] = {
    "missing model": (_stylize("--model", "no.onnx"), "does not exist"),
    "unknown name": (_stylize("--model", "vgg16"), "vgg16.onnx does not exist"),
    "folder as model": (_stylize("--model", "folder.png"), "is not a file"),
    "empty model": (_stylize("--model", "empty.onnx"), "cannot be loaded"),
    "truncated model": (_stylize("--model", "cut.onnx"), "cannot be loaded"),
    "foreign model": (_stylize("--model", "foreign.onnx"), "not made by Lightstyle"),
    "targets as model": (_stylize("--model", "m.targets.onnx"), "targets graph"),
    "model without weights": (_stylize("--model", "bare.onnx"), "cannot be loaded"),
    "model with other weights": (_stylize("--model", "flip.onnx"), "SHA-256"),
    "model without a layer": (
        _stylize("--model", "m.onnx", "--style-layers", "conv3_3"),
        "--style-layers conv3_3",
    ),
    "export of nothing": (["export", "--weights", "no.h5"], "no such file"),
    "export of a folder": (["export", "--weights", "folder"], "folder"),
    "export of an empty file": (["export", "--weights", "empty.png"], "empty"),
    "export of text": (["export", "--weights", "text.jpg"], "text.jpg"),
    "export of a pickle that runs code": (
        ["export", "--weights", "hostile.pth"],
        "not executed",
    ),
    "export of NaN": (["export", "--weights", "nan.npz"], "nan.npz"),
    "export of an unknown layer": (
        ["export", "--weights", "m.safetensors", "--style-layers", "conv9_9"],
        "conv9_9",
    ),
    "export of no layer": (
        ["export", "--weights=m.safetensors", "--style-layers=", "--content-layers="],
        "at least one",
    ),
    "export with unknown pooling": (
        ["export", "--weights", "m.safetensors", "--pooling", "min", "-o", "x.onnx"],
        "max or average",
    ),
    "export with unknown preprocessing": (
        ["export", "--weights", "m.safetensors", "--preprocessing", "bgr"],
        "preprocessing",
    ),
    "export to another suffix": (
        ["export", "--weights", "m.safetensors", "-o", "x.pb"],
        ".onnx",
    ),
    "export to no folder": (
        ["export", "--weights", "m.safetensors", "-o", "no/x.onnx"],
        "no/x.onnx",
    ),
}

CASES: dict[str, Case] = {
    **{name: (a, ExitCode.IMAGE, words) for name, (a, words) in PICTURES.items()},
    **{name: (a, ExitCode.USAGE, words) for name, (a, words) in SETTINGS.items()},
    **{name: (a, ExitCode.OUTPUT, words) for name, (a, words) in OUTPUTS.items()},
    **{name: (a, ExitCode.MODEL, words) for name, (a, words) in MODELS.items()},
    "cuda without a GPU": (
        _stylize("--device", "cuda"),
        ExitCode.DEVICE,
        "lightstyle[gpu]",
    ),
    "weights of NaN": (
        _stylize("--model", "nan.onnx", "--quiet"),  # found after it was announced
        ExitCode.TRANSFER,
        "not a finite number",
    ),
    "export without weights": (["export"], ExitCode.USAGE, "weights"),
}


class _Hostile:
    def __reduce__(self) -> Any:
        return os.mkdir, ("executed",)


@pytest.fixture(scope="module")
def wrecks(
    tmp_path_factory: pytest.TempPathFactory, tiny_model: Path, foreign_onnx: Path
) -> Path:
    """A folder full of broken things. No test may leave anything in it."""
    studio = tmp_path_factory.mktemp("wrecks")
    draw_pictures(studio)
    for name in ("folder", "folder.png", "cache"):
        (studio / name).mkdir()
    levels = np.rint(picture(200, 300).transpose(1, 2, 0)).astype(np.uint8)
    for suffix in ("jpg", "png"):
        Image.fromarray(levels).save(studio / f"whole.{suffix}")
        data = (studio / f"whole.{suffix}").read_bytes()
        (studio / f"cut.{suffix}").write_bytes(data[: len(data) // 2])
    Image.fromarray(levels).save(studio / "style2.png")
    Image.fromarray(levels).save(studio / "out_0002.png")
    Image.new("RGB", (1, 1)).save(studio / "dot.png")
    Image.new("RGB", (20000, 1)).save(studio / "line.png")
    Image.new("1", (30000, 30000)).save(studio / "bomb.png")
    (studio / "empty.png").touch()
    (studio / "empty.onnx").touch()
    (studio / "text.jpg").write_text("not a picture\n" * 50)
    (studio / "drawing.svg").write_text('<svg xmlns="http://www.w3.org/2000/svg"/>')
    (studio / "hostile.pth").write_bytes(pickle.dumps(_Hostile()))
    tensors: dict[str, Any] = tiny_weights().tensors()
    tensors["conv1_1.bias"] = np.full(5, np.nan)
    np.savez(studio / "nan.npz", **tensors)
    _wreck_models(studio, tiny_model, foreign_onnx)
    return studio


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


def _everything(folder: Path) -> set[Path]:
    return set(folder.rglob("*"))


@pytest.mark.parametrize("case", CASES)
def test_bad_input_is_one_line_one_code_and_no_new_file(
    run: Runner,
    wrecks: Path,
    monkeypatch: pytest.MonkeyPatch,
    case: str,
) -> None:
    monkeypatch.chdir(wrecks)
    monkeypatch.setenv(registry.MODEL_VARIABLE, str(wrecks / "tiny.onnx"))
    monkeypatch.setenv(contract.CACHE_VARIABLE, str(wrecks / "cache"))
    arguments, code, words = CASES[case]
    if case == "model without a layer":
        monkeypatch.setattr(registry, "_EXPORTERS", ())
    before = _everything(wrecks)
    done = run(*arguments)
    assert len(done.lines) == 1, done.lines
    assert done.lines[0].startswith("error: ")
    assert words in done.lines[0]
    assert done.code == code
    assert done.out == ""
    assert _everything(wrecks) == before


def _full(*arguments: Any) -> Any:
    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


def _protected(*arguments: Any, **others: Any) -> Any:
    raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))


@pytest.mark.parametrize(
    ("broken", "how", "words"),
    [
        ("os.fsync", _full, "No space left"),
        ("pathlib.Path.replace", _full, "No space left"),
        ("pathlib.Path.open", _protected, "Permission denied"),
    ],
    ids=["disk full", "disk full at the end", "folder write-protected"],
)
def test_a_disk_that_refuses_is_one_error_and_leaves_nothing(
    run: Runner,
    studio: Path,
    monkeypatch: pytest.MonkeyPatch,
    broken: str,
    how: Callable[..., Any],
    words: str,
) -> None:
    before = _everything(studio)
    monkeypatch.setattr(broken, how)
    done = run(*_stylize("--quiet"))
    monkeypatch.undo()
    assert done.code == ExitCode.OUTPUT
    assert len(done.lines) == 1
    assert words in done.lines[0]
    assert _everything(studio) == before


def test_there_are_at_least_forty_kinds() -> None:
    assert len(CASES) >= 40
