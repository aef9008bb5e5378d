import pytest

from lightstyle import Model
from tests.support.networks import image
from tests.support.transfers import STYLE, stylized

WIDE = image(200, 40, 3)


@pytest.mark.parametrize(
    ("styles", "changes", "words"),
    [
        (STYLE, {"style_scale": 0.1}, "would make the style too small"),
        ([STYLE, WIDE], {"style_scale": (1, 0.1)}, "would make style 2 too small"),
        (STYLE, {"style_scale": 3}, "the style larger than it is: it stays 44x50"),
        (STYLE, {"style_scale": 3, "enlarge": True}, None),
        (STYLE, {"style_scale": 0.8}, None),
        (STYLE, {"style_scale": 1}, None),
        (STYLE, {}, None),
    ],
)
def test_a_scale_with_less_effect_than_asked_is_noted(
    model: Model, styles: object, changes: dict[str, object], words: str | None
) -> None:
    notes = stylized(model, styles, iterations=1, **changes).notes
    found = [note for note in notes if note.startswith("style-scale")]
    assert len(found) == (words is not None)
    assert all(words in note for note in found if words)
