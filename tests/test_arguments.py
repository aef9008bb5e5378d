"""Arguments of the wrong kind, for every public function."""

import io
import math
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

import lightstyle
from lightstyle import Checkpoint, Judge, LayerWeights, Model, Record, Result, Settings
from lightstyle.errors import UsageError

QUICK = Settings(size=48, iterations=1)


@pytest.fixture(scope="module")
def model(tiny_model: Path) -> Model:
    return Model.load(tiny_model, "cpu", 1)


@pytest.fixture(scope="module")
def made(model: Model) -> Result:
    return _stylize(model=model)


def _stylize(**changes: Any) -> Result:
    pixels = np.full((40, 60), 90, np.uint8)
    given = {"content": pixels, "style": pixels, "settings": QUICK, **changes}
    return lightstyle.stylize(**given)


def _texture(**changes: Any) -> Result:
    pixels = np.full((40, 60), 90, np.uint8)
    given = {"style": pixels, "size": (48, 48), "settings": QUICK, **changes}
    return lightstyle.texture(**given)


def _reconstruct(**changes: Any) -> Result:
    given = {"content": np.full((40, 60), 90, np.uint8), "settings": QUICK, **changes}
    return lightstyle.reconstruct(**given)


def _load(**changes: Any) -> Model:
    return Model.load(**{"path": "no.onnx", **changes})


def _judge(**changes: Any) -> Judge:
    pixels = np.full((40, 60), 90, np.uint8)
    return Judge(**{"content": pixels, "style": pixels, **changes})


BINARY = (bytearray(9), memoryview(b"a"), io.BytesIO())
PICTURE = (None, 3, [3], {"a": 1}, *BINARY, range(3))
MODEL: tuple[Any, ...] = (3, "", "a\0b", b"x", ["vgg19"], {}, math.nan)
OPTIONS: Mapping[str, tuple[Any, ...]] = {
    "model": MODEL,
    "settings": ({}, {"size": 64}, "size=64", 64, Settings, []),
    "callback": (3, "print", []),
    "checkpoint": ("f", Path("f"), 3, {}, Checkpoint),
    "announce": (True, "x"),
    "like": ("a.png", Path("a.png"), 3, {}, Record, False),
}
SIZE = (64, 48.5, "64x64", (64,), (64, 64, 64), (64.0, 64), (True, 64), (8, 64), None)
JOBS: Mapping[Callable[..., Any], Mapping[str, tuple[Any, ...]]] = {
    _stylize: {"content": PICTURE, "style": PICTURE, **OPTIONS},
    _texture: {"style": PICTURE, "size": (*SIZE, (10**9, 64), {}), **OPTIONS},
    _reconstruct: {"content": PICTURE, **OPTIONS},
    lightstyle.resume: {"checkpoint": (3, None, b"f", "", "a\0b", [])},
    lightstyle.load_model: {
        "model": MODEL,
        "settings": OPTIONS["settings"],
        "device": (3, None, "gpu", ["cpu"], ""),
        "threads": (1.5, "2", True, 0, -1, math.nan, [], 10**9),
        "memory": (math.nan, math.inf, "2GB", True, 2, -1, []),
        "job": (3, "paint", None, ["stylize"]),
    },
    _load: {"path": (3, None, b"f", ""), "threads": (1.5,), "memory": ("2GB",)},
    _judge: {"content": (3, {}), "style": ([], 3), "model": MODEL, "size": SIZE[1:]},
    Record.read: {"path": (3, None, b"a.png", "", {})},
    Settings: {
        "size": SIZE[1:],
        "enlarge": ("no", 1, None, 0.0, []),
        "iterations": ("9", 9.0, math.nan, None, 10**9),
        "style_weight": ("1", math.nan, math.inf, 10**400, True, [1]),
        "style_layers": (3, None, ["conv1_1"], {"conv1_1": 1}),
        "content_mask": (3, "m.png", {"a": 1}, [3], [b"m.png"]),
        "regions": (["a.png"], "a.png", 3),
        "blend": ("1,2", [], ["a"], -1, math.nan),
        "style_scale": ("1", None, [], [0]),
        "init": (3, "", b"a", []),
        "color": (3, None, "sepia", []),
        "seed": (-1, 2**64, "1", 1.0),
    },
    LayerWeights: {"weights": (3, None, "conv1_1", [("conv1_1", 1)])},
    LayerWeights.parse: {"text": (3, None, {"conv1_1": 1})},
}
CASES = [
    (function, name, value)
    for function, arguments in JOBS.items()
    for name, values in arguments.items()
    for value in values
]


def _said(function: Callable[..., Any], name: str, value: Any) -> str:
    with pytest.raises(UsageError) as caught:
        function(**{name: value})
    return str(caught.value)


#: What arguments are called that are options of the command line, too.
NAMES = {"weights": "weights", "text": "layers"}


@pytest.mark.parametrize(("function", "name", "value"), CASES)
def test_a_wrong_kind_of_argument_is_named_with_what_is_expected(
    function: Callable[..., Any], name: str, value: Any
) -> None:
    said = _said(function, name, value)
    assert said.startswith(NAMES.get(name, name.replace("_", "-"))), said
    assert "expected " in said
    assert said.isprintable()
    assert len(said) < 400


def test_a_result_is_saved_as_a_picture_only(made: Result, tmp_path: Path) -> None:
    for suffix in ("PNG", "png", 3, None, ".xyz", ""):
        with pytest.raises(UsageError, match=r"^suffix is .*, expected \.png, \.jpg"):
            made.to_bytes(suffix)  # type: ignore[arg-type]
    for bits in (12, "8", 8.0, None, True):
        with pytest.raises(UsageError, match=r"^bits is .*, expected 8 or 16$"):
            made.to_bytes(".png", bits)  # type: ignore[arg-type]
    with pytest.raises(UsageError, match=r"^metadata is 'no', expected true or false$"):
        made.save(tmp_path / "a.png", metadata="no")  # type: ignore[arg-type]
    for path in (3, None, b"a.png", ""):
        with pytest.raises(UsageError, match=r"^path is .*, expected a path$"):
            made.save(path)  # type: ignore[arg-type]
    assert not [*tmp_path.iterdir()]
    made.save(tmp_path / "a.png", np.int64(16), metadata=np.True_)  # type: ignore


@pytest.mark.parametrize(
    ("arguments", "name"),
    [
        ({"path": 3}, "path of the checkpoint"),
        ({"path": ""}, "path of the checkpoint"),
        ({"seconds": "x"}, "checkpoint-every"),
        ({"seconds": math.nan}, "checkpoint-every"),
        ({"seconds": -1}, "checkpoint-every"),
        ({"extra": 3}, "extra of the checkpoint"),
        ({"extra": {"a": object()}}, "extra of the checkpoint"),
        ({"extra": {"a": [[[[[[[[[[[[[[[[[[[[[]]]]]]]]]]]]]]]]]]]]]}}, "extra"),
    ],
)
def test_a_checkpoint_has_a_path_and_seconds(arguments: Any, name: str) -> None:
    with pytest.raises(UsageError, match=rf"^{name}.* is .*, expected "):
        Checkpoint(**{"path": "run.checkpoint", **arguments})


def test_numbers_of_numpy_are_numbers(model: Model, tiny_model: Path) -> None:
    layers: Any = {"conv1_1": np.float32(0.5), "conv2_1": np.int64(1)}
    one = Settings(
        size=np.int64(48),  # type: ignore[arg-type]
        iterations=np.uint8(1),  # type: ignore[arg-type]
        style_weight=np.float32(2),  # type: ignore[arg-type]
        enlarge=np.False_,  # type: ignore[arg-type]
        style_scale=np.float64(0.5),
        blend=np.array([1.0]),  # type: ignore[arg-type]
        style_layers=LayerWeights(layers),
    )
    sides: Any = np.array([48, 32])
    result = _texture(model=model, settings=one, size=sides)
    assert result.image_hwc.shape == (32, 48, 3)
    assert result.record.size == (48, 32)
    assert str(result.record)  # JSON
    assert Checkpoint(Path("f"), np.float32(3)).seconds == 3  # type: ignore[arg-type]
    loaded = Model.load(
        tiny_model,
        "cpu",
        np.int32(1),  # type: ignore[arg-type]
        np.float64(4e9),  # type: ignore[arg-type]
    )
    assert (loaded.threads, loaded.memory) == (1, 4_000_000_000)


def test_a_picture_of_another_kind_is_called_by_its_role(model: Model) -> None:
    with pytest.raises(UsageError, match=r"^style is bytearray\(b'"):
        _stylize(style=bytearray(b"abc"), model=model)
    with pytest.raises(UsageError, match=r"^picture is 3, expected a path"):
        Judge(Image.new("RGB", (48, 48)), model=model).judge(3)  # type: ignore
