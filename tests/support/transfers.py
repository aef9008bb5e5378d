"""Runs of a moment, how to stop them on the way, and what they leave to compare."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

import lightstyle
from lightstyle import LayerWeights, Model, Progress, Result, Settings
from lightstyle.cli.progress import StopSignal
from lightstyle.images.frame import Frame
from tests.support.networks import image

QUICK = Settings(size=48, iterations=12)

#: The same with weights that need not be found: the model computes for the run alone.
FIXED = replace(QUICK, content_layers=LayerWeights.parse("conv5_2"), style_weight=1e4)
CONTENT, STYLE = image(40, 60, 1), image(50, 44, 2)


def until(evaluation: int) -> Callable[[Progress], None]:
    """A callback that ends a run after the evaluation of that number."""

    def callback(progress: Progress) -> None:
        if progress.evaluation == evaluation:
            raise StopIteration

    return callback


def interrupt_commands(monkeypatch: pytest.MonkeyPatch, evaluation: int) -> None:
    """Stop what commands run as one Ctrl-C would, after that evaluation."""
    stop = until(evaluation)
    monkeypatch.setattr(StopSignal, "__call__", lambda _, progress: stop(progress))


def see_without_frames(
    monkeypatch: pytest.MonkeyPatch, method: str
) -> list[np.ndarray]:
    """Pictures, (3, H, W), that a method of `Model` is given, without their frames."""
    pictures: list[np.ndarray] = []
    framed: dict[bytes, np.ndarray] = {}
    called, around = getattr(Model, method), Frame.around

    def frame(self: Frame, inside: np.ndarray) -> np.ndarray:
        canvas = around(self, inside)
        framed[canvas.tobytes()] = inside
        return canvas

    def call(self: Model, pixels: np.ndarray, *others: Any) -> Any:
        pictures.append(framed[pixels.tobytes()][0])
        return called(self, pixels, *others)

    monkeypatch.setattr(Frame, "around", frame)
    monkeypatch.setattr(Model, method, call)
    return pictures


def totals(result: Result) -> list[float]:
    """The loss of every evaluation."""
    return [losses.total for losses in result.history]


#: Writes a mask and returns its path.
Mask = Callable[[Any], str]

#: A mask of the whole content; and pictures that cannot be masks of it, with what is
#: said of them.
HEIGHT, WIDTH = CONTENT.shape[:2]
WHITE = np.full((HEIGHT, WIDTH), 255)
NO_MASKS = pytest.mark.parametrize(
    ("levels", "words"),
    [
        (WHITE[:, : WIDTH // 2], "expected the proportions of its picture"),
        (np.stack([WHITE, WHITE * 0, WHITE], 2), "is coloured"),
        (np.dstack([WHITE, WHITE, WHITE, WHITE // 2]), "is transparent"),
        (WHITE * 0, "black all over"),
    ],
    ids=["proportions", "coloured", "transparent", "black"],
)


def stylized(model: Model, styles: Any = STYLE, **changes: Any) -> Result:
    """Run quickly with some settings changed."""
    settings = replace(QUICK, **changes)
    return lightstyle.stylize(CONTENT, styles, model=model, settings=settings)
