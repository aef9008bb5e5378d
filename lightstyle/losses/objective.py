"""The loss as a function of a flat vector: feeds in, weighted terms and gradient out.

Between the model, which speaks pictures and unweighted terms, and the optimiser, which
speaks vectors and one number.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from time import perf_counter

import numpy as np

from .. import contract
from ..arrays import Array, Vector
from ..engine.model import Model
from ..engine.plan import ExecutionPlan
from ..engine.tiled import Tiling
from ..errors import UsageError
from ..settings.settings import Settings
from ..transfer.regions import StyleTarget
from . import matching
from .gaussian import metric
from .targets import blended
from .weights import balanced


@dataclass(frozen=True)
class Losses:
    """The loss at one evaluation.

    Attributes:
        total: Sum of the terms.
        terms: Each term times its weight, by name (``style_loss/conv1_1``); terms
            without weight are left out.
        seconds: What the evaluation took.
        size: Width and height of the picture, which differ from level to level.
    """

    total: float
    terms: dict[str, float]
    seconds: float
    size: tuple[int, int]


class Objective:
    """Callable for the optimiser; remembers the losses of all calls in `history`."""

    def __init__(
        self,
        model: Model,
        settings: Settings,
        start: Array,
        content: Array | None,
        styles: Iterable[StyleTarget] = (),
        plan: Tiling | None = None,
        history: list[Losses] | None = None,
        style_layouts: Iterable[ExecutionPlan] = (),
        begin: Array | None = None,
        regions: Mapping[str, Array] | None = None,
    ) -> None:
        """Compute the targets and the weights.

        Args:
            model: Evaluates.
            settings: Weights and layers.
            start: (1, 3, H, W), the canvas; it stands in for a picture that is not
                given, whose terms weigh nothing.
            content: (1, 3, H, W) or none.
            styles: None or any number, those of a region after each other.
            plan: How the pictures are cut, if they are.
            history: To go on with, of the levels before this one.
            style_layouts: How the targets of each style are computed; by default as the
                model chooses.
            begin: (1, 3, H, W), where style layers are balanced or matched, if the
                settings ask for that; `start` by default.
            regions: Feeds that say where they are, if there are several targets.
        """
        self.history: list[Losses] = [] if history is None else history
        self._model = model
        self._shape = start.shape
        content_names = map(contract.content_target, model.info.content_layers)
        style_names = map(contract.style_target, model.info.style_layers)
        self._plan = plan
        content_targets = model.targets(start if content is None else content, plan)
        matches: list[dict[str, Array]] = []
        layers = settings.matched_layers
        painted = _painted(model, styles, style_layouts, layers, matches)
        grams = painted or _painted(model, [StyleTarget(0, 1.0, start)])
        self._feeds = {
            **{name: content_targets[name] for name in content_names},
            **{
                name: np.stack([each[name] for each in grams])
                if regions
                else grams[0][name]
                for name in style_names
            },
            **(regions or {}),
        }
        if regions:
            self._feeds |= self._metrics(settings.style_loss)
        self._weights = _term_weights(
            model,
            settings,
            start,
            with_content=content is not None,
            with_style=bool(painted),
        )
        if not any(self._weights.values()):
            raise UsageError("all weights are 0: nothing is left to minimise")
        #: Of terms that are reported by another name than the graph's.
        self._names: dict[str, str] = {}
        if settings.balance_layers:
            self._balance(start if begin is None else begin)
        if matches:
            self._match(start if begin is None else begin, matches)
        self._feed(self._weights)

    def __call__(self, point: Vector) -> tuple[float, Vector]:
        """Loss and gradient at `point`, the pixels of (1, 3, H, W) in one row."""
        began = perf_counter()
        pixels = point.reshape(self._shape).astype(np.float32, copy=False)
        evaluation = self._model.evaluate(pixels, self._feeds, self._plan)
        terms = {
            self._names.get(name, name): weight * evaluation.terms[name]
            for name, weight in self._weights.items()
            if weight > 0
        }
        total = sum(terms.values())
        _, _, height, width = self._shape
        seconds = perf_counter() - began
        self.history.append(Losses(total, terms, seconds, (width, height)))
        return total, evaluation.gradient.ravel()

    def _feed(self, weights: Mapping[str, float]) -> None:
        with np.errstate(over="ignore"):  # an infinite weight is found in the loss
            for term, weight in weights.items():
                self._feeds[_weight_feed(term)] = np.array(weight, np.float32)

    def _metrics(self, style_loss: str) -> dict[str, Array]:
        """In which the style targets of each region are compared, by feed."""
        found = {}
        for layer in self._model.info.style_layers:
            grams = self._feeds[contract.style_target(layer)]
            stack = np.stack([metric(style_loss, gram) for gram in grams])
            found[contract.style_metric(layer)] = stack
        return found

    def _balance(self, begin: Array) -> None:
        """Give the style terms weights with which they pull equally at `begin`."""

        def norm(term: str) -> float:
            self._feed({**dict.fromkeys(self._weights, 0.0), term: 1.0})
            found = self._model.evaluate(begin, self._feeds, self._plan)
            return float(np.linalg.norm(found.gradient.astype(np.float64)))

        layers = self._model.info.style_layers
        terms = [contract.style_loss(layer) for layer in layers]
        self._weights |= balanced({t: self._weights[t] for t in terms}, norm)

    def _match(self, begin: Array, styles: Sequence[Mapping[str, Array]]) -> None:
        """Let content terms, to features of the `styles`, take style terms' places."""
        found = matching.targets(self._model.targets(begin, self._plan), styles)
        self._feeds |= found
        for layer in styles[0]:
            style, content = contract.style_loss(layer), contract.content_loss(layer)
            gram = self._feeds[contract.style_target(layer)]
            _, _, height, width = found[contract.content_target(layer)].shape
            each = matching.weight(layer, gram, height * width)
            del self._weights[content]  # style terms are reported after the others
            self._weights[content] = self._weights[style] * each
            self._weights[style] = 0.0
            self._names[content] = style


def _painted(
    model: Model,
    styles: Iterable[StyleTarget],
    layouts: Iterable[ExecutionPlan] = (),
    layers: Sequence[str] = (),
    matches: list[dict[str, Array]] | None = None,
) -> list[dict[str, Array]]:
    """The common target of the `styles` of each region, by feed.

    Candidates of `layers` that are matched, if any, are added to `matches`, a style
    after the other.
    """
    planned = iter(layouts)

    def target(style: StyleTarget) -> tuple[float, dict[str, Array]]:
        _, _, height, width = style.pixels.shape
        layout = next(planned, None) or model.layout(height, width, optimizer=None)
        given = style.pixels, layout.plan, style.mask
        if not layers or matches is None:
            return style.share, model.style_targets(*given)
        made = model.targets(*given)
        matches.append(matching.candidates(made, layers, style.mask))
        names = map(contract.style_target, model.info.style_layers)
        return style.share, {name: made[name] for name in names}

    by_region = groupby(styles, key=lambda style: style.region)
    return [blended(map(target, group)) for _, group in by_region]


def _term_weights(
    model: Model,
    settings: Settings,
    start: Array,
    *,
    with_content: bool,
    with_style: bool,
) -> dict[str, float]:
    """Weight of every term that the model has, by the term's name.

    Departure from Gatys et al., who have one size: the sums of the content term and of
    the total variation grow with the picture, the style term does not. They are scaled
    to what they would be at 512 × 512, so that one setting means the same at each size.
    """
    area = contract.REFERENCE_SIDE**2 / (start.shape[2] * start.shape[3])
    content = settings.content_weight * area * with_content
    style = settings.style_weight * with_style
    content_shares = settings.content_layers.shares()
    style_shares = settings.style_layers.shares()
    weights = {contract.TV_LOSS: settings.tv_weight * area}
    for layer in model.info.content_layers:
        weights[contract.content_loss(layer)] = content * content_shares.get(layer, 0.0)
    for layer in model.info.style_layers:
        weights[contract.style_loss(layer)] = style * style_shares.get(layer, 0.0)
    return weights


def _weight_feed(term: str) -> str:
    return term.replace("_loss", "_weight")
