from collections.abc import Callable
from pathlib import Path

import pytest

import lightstyle
from lightstyle import Checkpoint, LightstyleError, Model, Record, Settings, UsageError
from lightstyle.files import Draft, check_writable
from lightstyle.lookup import exists, is_file, is_folder, trouble
from lightstyle.settings import presets
from lightstyle.zoo.fetch import fetch
from tests.support.locks import locked

NUL = "a\0b.png"


def test_what_lies_at_a_path(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    assert is_file(tmp_path / "file")
    assert not is_folder(tmp_path / "file")
    assert is_folder(tmp_path)
    assert not is_file(tmp_path)
    assert exists(tmp_path)
    assert trouble(tmp_path / "file") == ""
    assert trouble(tmp_path) == "is not a file"
    assert trouble(tmp_path / "no") == "does not exist"


@pytest.mark.parametrize("look", [is_file, is_folder, exists])
def test_what_may_not_be_looked_at_counts_as_absent(
    tmp_path: Path, look: Callable[[Path], bool]
) -> None:
    (tmp_path / "in" / "file").mkdir(parents=True)
    with locked(tmp_path / "in"):
        assert not look(tmp_path / "in" / "file")
        assert trouble(tmp_path / "in" / "file") == "cannot be read: Permission denied"
    assert not look(tmp_path / ("x" * 300))
    assert trouble(tmp_path / ("x" * 300)) == "cannot be read: File name too long"
    assert not look(Path(NUL))


@pytest.mark.parametrize(
    "use",
    [
        lambda: lightstyle.resume(NUL),
        lambda: lightstyle.stylize(NUL, "style.png"),
        lambda: lightstyle.stylize("content.png", ["style.png", NUL]),
        lambda: lightstyle.texture(NUL, (64, 64)),
        lambda: lightstyle.stylize("content.png", "style.png", model=NUL),
        lambda: lightstyle.load_model(NUL),
        lambda: Model.load(NUL),
        lambda: Checkpoint(Path(NUL)),
        lambda: Record.read(NUL),
        lambda: Settings(content_mask=(NUL,)),
        lambda: Settings(init=NUL),
        lambda: Settings(colors_of=NUL),
        lambda: presets.read(NUL),
        lambda: fetch("vgg19", source=NUL),
        lambda: Draft(Path(NUL)),
        lambda: check_writable(Path(NUL), inputs=(), overwrite=True),
    ],
)
def test_a_nul_character_in_a_path_is_one_usage_error(
    folder: Path, use: Callable[[], object]
) -> None:
    before = sorted(folder.iterdir())
    with pytest.raises(UsageError) as caught:
        use()
    assert len(str(caught.value).splitlines()) == 1
    assert str(caught.value).isprintable()
    assert sorted(folder.iterdir()) == before


@pytest.mark.parametrize("name", ["two\nlines.png", "bell\a.png", "red\x1b[31m.png"])
def test_a_message_is_one_line_whatever_the_name_of_the_file(
    folder: Path, name: str
) -> None:
    with pytest.raises(LightstyleError) as caught:
        lightstyle.stylize(name, "style.png")
    assert str(caught.value).isprintable()
    assert str(caught.value).startswith(f"content {name[:3]}")
