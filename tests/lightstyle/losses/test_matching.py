"""The search for the nearest features, by itself."""

import numpy as np
import pytest

from lightstyle import contract
from lightstyle.losses import matching

LAYER = "conv3_1"
FEED = contract.content_target(LAYER)


def _features(count: int, seed: int, channels: int = 6) -> np.ndarray:
    random = np.random.default_rng(seed)
    return random.gamma(2.0, size=(count, channels)).astype(np.float32)


def _by_hand(query: np.ndarray, candidates: np.ndarray) -> list[int]:
    q, c = (x.astype(np.float64) - x.mean(axis=0) for x in (query, candidates))
    cosines = [[a @ b / (np.linalg.norm(a) * np.linalg.norm(b)) for b in c] for a in q]
    return [int(np.argmax(row)) for row in cosines]


@pytest.mark.parametrize("held", [1, 61, 10_000])
def test_the_nearest_are_those_of_an_exhaustive_search(held: int) -> None:
    query, candidates = _features(83, 1), 3 + 2 * _features(59, 2)
    found = matching.nearest(query, candidates, held)
    assert found.tolist() == _by_hand(query, candidates)
    assert len(set(found.tolist())) > 10


def test_of_equal_candidates_the_first_is_taken() -> None:
    candidates = np.array([[0, 0], [4, 0], [8, 0], [0, 4]], np.float32)
    candidates = np.concatenate([candidates, candidates])
    found = matching.nearest(candidates, candidates)
    assert found.max() < 4
    np.testing.assert_array_equal(found[:4], found[4:])


def test_features_without_contrast_have_a_match_and_no_nan() -> None:
    flat, varied = np.full((5, 6), 3, np.float32), _features(9, 1)
    assert matching.nearest(flat, varied).tolist() == [0] * 5
    assert matching.nearest(varied, flat).tolist() == [0] * 9
    with_a_mean = np.concatenate([varied, varied.mean(axis=0, keepdims=True)])
    assert matching.nearest(varied, with_a_mean).max() < 10


def test_a_picture_finds_itself_and_keeps_its_shape() -> None:
    image = {FEED: _features(6, 1, 20).reshape(1, 6, 4, 5)}
    style = matching.candidates(image, [LAYER])
    assert style[LAYER].shape == (20, 6)
    found = matching.targets(image, [style])
    np.testing.assert_array_equal(found[FEED], image[FEED])


def test_several_styles_are_searched_as_one() -> None:
    image = {FEED: _features(6, 1, 20).reshape(1, 6, 4, 5)}
    halves = [{LAYER: half} for half in np.split(_features(30, 2), 2)]
    both = [{LAYER: _features(30, 2)}]
    np.testing.assert_array_equal(
        matching.targets(image, halves)[FEED], matching.targets(image, both)[FEED]
    )


@pytest.mark.parametrize(("most", "rows"), [(20, 20), (19, 10), (7, 7), (3, 3)])
def test_of_many_features_so_many_are_looked_at(most: int, rows: int) -> None:
    image = {FEED: _features(6, 1, 20).reshape(1, 6, 4, 5)}
    everything = matching.candidates(image, [LAYER])[LAYER]
    found = matching.candidates(image, [LAYER], most=most)[LAYER]
    np.testing.assert_array_equal(found, everything[:: -(-20 // most)])
    assert len(found) == rows
    step = matching.targets(image, [{LAYER: everything}], most=most)[FEED]
    assert {*step[0, 0].ravel()} <= {*found[:, 0]}


@pytest.mark.parametrize("least", [0.0, 0.4])
def test_positions_that_a_mask_leaves_out_are_no_candidates(least: float) -> None:
    features = {FEED: _features(6, 1, 64).reshape(1, 6, 8, 8)}
    mask = np.full((32, 32), least, np.float32)
    mask[:16, :8] = 0.9
    found = matching.candidates(features, [LAYER], mask)[LAYER]
    expected = features[FEED][0, :, :4, :2].reshape(6, -1).T
    np.testing.assert_array_equal(found, expected)
