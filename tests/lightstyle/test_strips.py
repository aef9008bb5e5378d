import pytest

from lightstyle.strips import cut


@pytest.mark.parametrize("halo", [2, 4, 8])
@pytest.mark.parametrize("length", [1, 31, 64, 65, 97, 500, 1001])
def test_strips_cover_every_line_once_with_their_halos(length: int, halo: int) -> None:
    height = 4 * halo
    strips = [*cut(length, height, halo)]
    counted = [line for s in strips for line in range(s.first, s.last)]
    assert counted == [*range(length)]
    for strip in strips:
        assert strip.start % 2 == strip.first % 2 == 0
        assert strip.start == 0 or strip.first - strip.start >= halo
        assert strip.stop == length or strip.stop - strip.last >= halo
    assert {s.stop - s.start for s in strips} <= {height, height + 1, length}
    assert len({s.stop - s.start for s in strips}) <= 2
