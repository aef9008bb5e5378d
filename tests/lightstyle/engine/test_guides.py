import numpy as np
import pytest

from lightstyle import contract
from lightstyle.engine.guides import guides
from lightstyle.errors import UsageError


def test_guides_are_means_of_the_mask() -> None:
    mask = np.zeros((1, 65, 64), np.float32)
    mask[0, 32:64, :32] = 1
    found = guides(mask)
    assert [found[contract.guide(n)].shape[2:] for n in (1, 3, 5)] == [
        (65, 64),
        (16, 16),
        (4, 4),
    ]
    deepest = found[contract.guide(5)][0, 0]
    np.testing.assert_allclose(deepest[2:, :2].sum(axis=1), [0.5, 0.5], rtol=0.05)
    assert deepest.sum() == pytest.approx(1)
    with pytest.raises(UsageError, match="black all over"):
        guides(np.zeros((1, 64, 64), np.float32))


@pytest.mark.parametrize("size", [(63, 47), (61, 64), (64, 33), (95, 95)])
def test_a_region_at_an_edge_that_poolings_leave_out_is_not_lost(
    size: tuple[int, int],
) -> None:
    masks = np.ones((2, *size), np.float32)
    masks[0] = 0
    masks[0, -1, -1] = 1
    found = guides(masks)
    for number in range(1, 6):
        corner, whole = found[contract.guide(number)][:, 0]
        assert corner[-1, -1] == pytest.approx(1)
        assert np.ptp(whole) == 0
