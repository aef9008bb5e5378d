import pytest

from lightstyle.engine.strips import TILE, computed_lines, cut, tiled_height


@pytest.mark.parametrize("halo", [2, 4, 8])
@pytest.mark.parametrize("length", [1, 31, 64, 65, 97, 500, 1001])
def test_strips_cover_every_line_once_with_their_halos(length: int, halo: int) -> None:
    height = 4 * halo
    strips = [*cut(length, height, halo)]
    counted = [line for s in strips for line in range(s.first, s.last)]
    assert counted == [*range(length)]
    for strip in strips:
        assert strip.start % TILE == strip.first % 2 == 0
        assert strip.start == 0 or strip.first - strip.start >= halo
        assert strip.stop == length or strip.stop - strip.last >= halo
    if len(strips) > 1:
        heights = [s.stop - s.start for s in strips]
        assert set(heights[:-1]) == {height}
        assert height <= heights[-1] < height + TILE


@pytest.mark.parametrize(("length", "most"), [(768, 764), (1024, 1000), (1024, 130)])
def test_strips_are_alike_rather_than_as_large_as_can_be(
    length: int, most: int
) -> None:
    height = tiled_height(length, most, 4)
    assert height <= most
    strips = [*cut(length, height, 4)]
    assert len(strips) == -(-(length - 8) // (most - 8))
    computed = sum(strip.stop - strip.start for strip in strips)
    assert computed <= length + 8 * len(strips) + TILE * len(strips)


@pytest.mark.parametrize("length", [31, 32])
def test_what_fits_is_not_cut(length: int) -> None:
    assert len([*cut(length, tiled_height(length, 40, 4), 4)]) == 1


@pytest.mark.parametrize("halo", [2, 4, 8])
def test_lines_of_all_strips_are_counted_without_making_them(halo: int) -> None:
    for length in range(32, 300):
        for height in range(2 * halo + TILE, 120, TILE):
            made = sum(s.stop - s.start for s in cut(length, height, halo))
            assert computed_lines(length, height, halo) == made
