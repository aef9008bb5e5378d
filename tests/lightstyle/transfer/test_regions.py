from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from PIL import Image

import lightstyle
from lightstyle import Model, Settings, contract, images, model_folder
from lightstyle.engine.plan import ExecutionPlan, Planner
from lightstyle.engine.strips import Tiling
from lightstyle.errors import ImageError, LightstyleError, UsageError
from lightstyle.model_folder import BUNDLED_MODEL
from lightstyle.optimize.curvature import History
from lightstyle.transfer import regions
from lightstyle.zoo import registry
from tests.support.networks import image, picture
from tests.support.transfers import (
    CONTENT,
    FIXED,
    HEIGHT,
    NO_MASKS,
    QUICK,
    STYLE,
    WIDTH,
    Mask,
    stylized,
)

OTHER = image(44, 60, 3)
LEFT = np.where(np.arange(WIDTH) < WIDTH // 2, 255, 0) * np.ones((HEIGHT, 1))
SOFT = np.linspace(255, 0, WIDTH) * np.ones((HEIGHT, 1))


def _content() -> Any:
    """The content at the size of the runs, as it is saved."""
    return images.resized(images.load(CONTENT), (48, 32)).rgb_hwc


def test_white_all_over_is_no_mask(model: Model, mask: Mask) -> None:
    plain = stylized(model, style_weight=1.0)
    for name, of in (("content_mask", CONTENT), ("style_mask", STYLE)):
        for path in (mask(np.full(of.shape[:2], 255)), "all"):
            masked = stylized(model, style_weight=1.0, **{name: (path,)})
            assert masked.history[0].total == pytest.approx(
                plain.history[0].total, rel=1e-6
            )
            assert masked.loss == pytest.approx(plain.loss, rel=1e-3)


def test_two_styles_everywhere_are_their_blend(model: Model) -> None:
    shared = stylized(model, [STYLE, OTHER], content_mask=("all", "all"), blend=(3, 1))
    blended = stylized(model, [STYLE, OTHER], blend=(3, 1))
    np.testing.assert_allclose(shared.image_hwc, blended.image_hwc, atol=0.5)


def _texture(side: int, *, across: bool) -> np.ndarray:
    """Stripes: across in red, down in blue."""
    y, x = np.mgrid[:side, :side]
    waves = 0.5 + 0.5 * np.sin((y if across else x) * 0.9)
    flat = np.zeros_like(waves)
    planes = [waves, flat, flat] if across else [flat, flat + 0.2, waves]
    return np.stack(planes, axis=2).astype(np.float32)


def test_each_half_is_painted_in_its_own_style() -> None:
    loaded = registry.load(BUNDLED_MODEL, device="cpu", threads=2)
    side = 96
    content = picture(side, side, 5).transpose(1, 2, 0) / 255
    styles = [_texture(side, across=True), _texture(side, across=False)]
    left = np.where(np.arange(side) < side // 2, 255, 0) * np.ones((side, 1))
    settings = Settings(size=side, iterations=20, style_weight=1e4)
    halves = [Image.fromarray(m.astype(np.uint8)) for m in (left, 255 - left)]
    with_masks = _masked(halves, settings)
    made = lightstyle.stylize(content, styles, model=loaded, settings=with_masks)
    grams = [loaded.style_targets(images.to_pixels(255 * style)) for style in styles]
    pixels = images.to_pixels(made.image_hwc)
    for number, half in enumerate((left, 255 - left)):
        own = loaded.style_targets(pixels, None, (half / 255).astype(np.float32))
        distances = [_distance(own, gram) for gram in grams]
        assert 5 * distances[number] < distances[1 - number]


def _masked(halves: Sequence[Image.Image], settings: Settings) -> Settings:
    names = []
    for number, half in enumerate(halves):
        path = model_folder.cache_folder() / f"half{number}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        half.save(path)
        names.append(str(path))
    return replace(settings, content_mask=tuple(names))


def _distance(own: dict[str, Any], gram: dict[str, Any]) -> float:
    shares = Settings().style_layers.shares()
    return sum(
        share
        * float(np.sum((own[f"style_target/{n}"] - gram[f"style_target/{n}"]) ** 2))
        / contract.CHANNELS[n] ** 2
        for n, share in shares.items()
    )


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"pyramid": "off"},
        {"init": "noise"},
        {"init_noise": 0.5},
        {"color": "content-histogram"},
        {"optimizer": "lbfgsb"},
    ],
    ids=str,
)
def test_outside_all_masks_the_content_stays_as_it_is(
    model: Model, mask: Mask, changes: dict[str, Any]
) -> None:
    made = stylized(model, content_mask=(mask(LEFT),), iterations=20, **changes)
    difference = np.abs(made.image_hwc - _content()).max(axis=(0, 2))
    assert difference[26:].max() == 0
    assert difference[:20].min() > 0.5


def test_outside_may_blend_in(model: Model, mask: Mask) -> None:
    path = mask(LEFT)
    made = stylized(model, content_mask=(path,), outside="blend", iterations=20)
    difference = np.abs(made.image_hwc - _content())
    assert difference[:, 26:].max() > 0


def test_a_soft_edge_is_painted_less_and_less(model: Model, mask: Mask) -> None:
    masks_rhw = regions.masks_rhw(
        regions.read(
            replace(QUICK, content_mask=(mask(SOFT),)),
            images.load(CONTENT),
            [images.load(STYLE)],
        ),
        (48, 32),
    )
    assert masks_rhw is not None
    assert masks_rhw.shape == (1, 32, 48)
    columns = masks_rhw[0].mean(axis=0)
    assert (np.diff(columns) <= 0).all()
    assert columns[0] > 0.95
    assert columns[-1] < 0.05


def test_a_region_counts_by_its_area_and_its_share(mask: Mask) -> None:
    settings = replace(QUICK, content_mask=(mask(LEFT), "all"), blend=(3, 1))
    pictures = [images.load(STYLE), images.load(OTHER)]
    found = regions.read(settings, images.load(CONTENT), pictures)
    masks_rhw = regions.masks_rhw(found, (WIDTH, HEIGHT))
    assert masks_rhw is not None
    np.testing.assert_allclose(
        masks_rhw.sum(axis=0), 1
    )  # where they overlap they share
    feeds = regions.feeds(found, masks_rhw)
    weights = feeds[contract.REGION_WEIGHT][:, 0]
    np.testing.assert_allclose(weights, [1.5 * 0.25, 0.5 * 0.75], rtol=1e-6)
    for number in range(1, 6):
        guide = feeds[contract.guide(number)]
        np.testing.assert_allclose(guide.sum(axis=(1, 2, 3)), 1, rtol=1e-5)


def test_a_style_mask_takes_the_style_of_a_part(model: Model, mask: Mask) -> None:
    two = np.hstack([_texture(64, across=True), _texture(64, across=False)])
    halves = np.where(np.arange(128) < 64, 255, 0) * np.ones((64, 1))
    settings = replace(FIXED, size=128, style_mask=(mask(halves),), iterations=1)
    by_mask = lightstyle.stylize(CONTENT, two, model=model, settings=settings)
    plain = replace(settings, style_mask=())
    parts = [
        lightstyle.stylize(CONTENT, part, model=model, settings=plain).loss
        for part in (two[:, :64], two[:, 64:], two)
    ]
    assert by_mask.loss == pytest.approx(parts[0], rel=0.1)
    assert min(abs(by_mask.loss / other - 1) for other in parts[1:]) > 0.2


def test_maps_pair_regions_of_the_same_colour(model: Model, mask: Mask) -> None:
    red, blue = [255, 0, 0], [0, 0, 255]
    where = mask(np.where(LEFT[..., None] > 0, red, blue))
    half = np.arange(STYLE.shape[1]) < 20
    what = mask(np.where(half[None, :, None], blue, red) * np.ones((50, 1, 1)))
    by_maps = stylized(model, regions=(where, what))
    own = mask(np.where(half, 0, 255) * np.ones((50, 1)))
    rest = mask(np.where(half, 255, 0) * np.ones((50, 1)))
    by_masks = stylized(
        model,
        [STYLE, STYLE],
        content_mask=(mask(255 - LEFT), mask(LEFT)),
        style_mask=(rest, own),
    )
    # The same regions in another order, each with half of the strength.
    assert by_maps.history[0].total == pytest.approx(
        by_masks.history[0].total, rel=1e-4
    )


def test_regions_in_strips_are_those_of_the_whole(
    model: Model, mask: Mask, monkeypatch: pytest.MonkeyPatch
) -> None:
    paths = mask(LEFT), mask(255 - SOFT)
    changes: dict[str, Any] = {"content_mask": paths, "style_mask": ("all", paths[0])}
    changes |= {"size": 60, "iterations": 4, "enlarge": True}
    styles = [STYLE, image(40, 60, 9)]
    whole = stylized(model, styles, **changes)
    sweeps = dict.fromkeys(range(1, 6), 16), dict.fromkeys(range(1, 6), 20)
    narrow = ExecutionPlan(Tiling(*sweeps), History(5))
    monkeypatch.setattr(Planner, "choose", lambda *_: narrow)
    strips = stylized(model, styles, **changes)
    np.testing.assert_allclose(strips.image_hwc, whole.image_hwc, atol=0.05)


def test_a_texture_is_of_a_part_of_a_style(model: Model, mask: Mask) -> None:
    settings = replace(QUICK, style_mask=(mask(np.full((50, 44), 255)),))
    made = lightstyle.texture(STYLE, (48, 48), model=model, settings=settings)
    assert made.image_hwc.shape == (48, 48, 3)
    with_content = replace(settings, content_mask=("none.png",))
    same = lightstyle.texture(STYLE, (48, 48), model=model, settings=with_content)
    assert same.loss == made.loss
    assert same.settings.files.keys() == {"style_mask 1"}


def test_reconstruction_has_no_regions(model: Model) -> None:
    settings = replace(QUICK, content_mask=("none.png",), iterations=1)
    plain = replace(settings, content_mask=())
    assert (
        lightstyle.reconstruct(CONTENT, model=model, settings=settings).loss
        == lightstyle.reconstruct(CONTENT, model=model, settings=plain).loss
    )


@NO_MASKS
@pytest.mark.parametrize("name", ["content_mask", "style_mask"])
def test_a_mask_that_is_none_is_told_so(
    model: Model, mask: Mask, name: str, levels: Any, words: str
) -> None:
    styles = {"content_mask": STYLE, "style_mask": CONTENT}[name]
    with pytest.raises(ImageError, match=words):
        stylized(model, styles, **{name: (mask(levels),)})


@pytest.mark.parametrize(
    ("styles", "changes", "words"),
    [
        (
            STYLE,
            {"content_mask": ("all", "all")},
            "2 content masks for 1 style: give one",
        ),
        (
            [STYLE, OTHER],
            {"style_mask": ("all",)},
            "1 style mask for 2 styles: give one",
        ),
        (
            [STYLE, OTHER],
            {"regions": ("a", "b")},
            "2 styles for --regions, which takes",
        ),
    ],
)
def test_masks_are_as_many_as_styles(
    model: Model, styles: Any, changes: dict[str, Any], words: str
) -> None:
    with pytest.raises(UsageError, match=words):
        stylized(model, styles, **changes)


def test_a_map_has_few_colours_all_of_them_in_both(model: Model, mask: Mask) -> None:
    noise = np.random.default_rng(0).integers(0, 255, (HEIGHT, WIDTH, 3))
    plain = mask(np.zeros((HEIGHT, WIDTH, 3)))
    with pytest.raises(ImageError, match="colours, expected at most 16"):
        stylized(model, CONTENT, regions=(mask(noise), plain))
    red = mask(np.full((HEIGHT, WIDTH, 3), [255, 0, 0]))
    with pytest.raises(ImageError, match="has the colour #ff0000, but"):
        stylized(model, CONTENT, regions=(red, plain))


@pytest.mark.parametrize(
    "changes",
    [
        {"content_mask": "mask.png"},
        {"style_mask": ("",)},
        {"style_mask": (3,)},
        {"regions": ("one.png",)},
        {"regions": ("one.png", "two.png"), "content_mask": ("all",)},
        {"outside": "freeze"},
    ],
    ids=str,
)
def test_settings_of_masks_are_checked(changes: dict[str, Any]) -> None:
    name = next(iter(changes)).replace("_", "-")
    with pytest.raises(LightstyleError, match=f"^(--)?{name} (is|cannot be combined) "):
        Settings(**changes)


def test_settings_name_every_mask_as_a_file() -> None:
    settings = Settings(content_mask=("a.png", "all", "b.png"), init="c.png")
    assert settings.files == {
        "init": "c.png",
        "content_mask 1": "a.png",
        "content_mask 3": "b.png",
    }
    moved = settings.with_files({n: f"x/{p}" for n, p in settings.files.items()})
    assert moved.content_mask == ("x/a.png", "all", "x/b.png")
    assert moved.init == "x/c.png"
    assert Settings.from_dict(moved.as_dict()) == moved
