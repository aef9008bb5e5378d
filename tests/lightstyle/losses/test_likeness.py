"""What is lost of a content is measured whatever its contrast."""

import numpy as np
import pytest

from lightstyle.losses.likeness import lost

RANDOM = np.random.default_rng(0)
CONTENT = RANDOM.random((1, 5, 8, 6), np.float32)
OTHER = RANDOM.random((1, 5, 8, 6), np.float32)


def test_nothing_is_lost_of_the_same_features_whatever_their_contrast() -> None:
    assert lost(CONTENT, CONTENT) == pytest.approx(0, abs=1e-6)
    shifted = 3 * CONTENT + np.arange(5, dtype=np.float32)[:, None, None]
    assert lost(shifted, CONTENT) == pytest.approx(0, abs=1e-6)


def test_the_more_is_mixed_in_the_more_is_lost() -> None:
    mixed = [lost((1 - t) * CONTENT + t * OTHER, CONTENT) for t in (0.1, 0.4, 0.7, 1)]
    assert mixed == sorted(mixed)
    assert mixed[-1] == pytest.approx(1, abs=0.3)


def test_positions_count_by_their_weights() -> None:
    half = np.zeros((8, 6), np.float32)
    half[:4] = 1
    changed = CONTENT.copy()
    changed[:, :, 4:] = OTHER[:, :, 4:]
    assert lost(changed, CONTENT, half) == pytest.approx(0, abs=1e-6)
    assert lost(changed, CONTENT, 1 - half) == pytest.approx(1, abs=0.4)


def test_of_nothing_nothing_can_be_lost() -> None:
    flat = np.ones_like(CONTENT)
    assert lost(CONTENT, flat) == lost(flat, CONTENT) == 0
