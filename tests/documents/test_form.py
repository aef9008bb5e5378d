"""README and the guide are whole: every link, every option, every page."""

import re
from pathlib import Path
from typing import Any, Final

import pytest
import typer

from lightstyle.cli.app import COMMANDS, app
from lightstyle.records.record import Record
from tests.support import documents
from tests.support.documents import DOCUMENTS, GUIDE
from tests.support.processes import ROOT

#: Pictures of the gallery that are results as they were made, if smaller.
RESULTS: Final = (
    *("blend", "chroma", "demo", "graphic", "protect", "regions", "sky"),
    *("small-demo", "texture", "town"),
)


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: str(path)[-30:])
def test_every_link_leads_somewhere(document: Path) -> None:
    for link in documents.links(document):
        assert (document.parent / link.text).exists(), f"{link.place}: {link.text}"


@pytest.mark.parametrize("name", COMMANDS)
def test_the_guide_explains_every_option(name: str) -> None:
    guide = "".join(page.read_text("utf-8") for page in GUIDE)
    command: Any = typer.main.get_command(app)
    command = command.get_command(None, name)
    for option in (each for each in command.params if each.opts[0].startswith("-")):
        assert any(re.search(rf"{o}\b", guide) for o in option.opts), option.opts
    assert "--debug" in guide


@pytest.mark.parametrize("page", GUIDE, ids=lambda path: path.stem)
def test_a_guide_page_begins_with_its_title_and_one_sentence(page: Path) -> None:
    title, empty, summary, after = page.read_text("utf-8").splitlines()[:4]
    assert title.startswith("# ")
    assert (empty, after) == ("", "")
    assert summary.endswith(".")
    assert summary.count(". ") == 0


def test_the_page_about_the_code_names_what_there_is() -> None:
    page = (ROOT / "lightstyle" / "README.md").read_text("utf-8")
    folders = (ROOT / "lightstyle", ROOT)
    for name in re.findall(r"`([\w./-]+(?:\.py|/))`", page):
        assert any((folder / name).exists() for folder in folders), name
    for word, name in re.findall(r"`(\w+)` in `([\w./]+\.py)`", page):
        path = next(each / name for each in folders if (each / name).exists())
        definition = rf"^ *(class |def )?{word}\b"
        assert re.search(definition, path.read_text("utf-8"), re.MULTILINE), word


@pytest.mark.parametrize("name", RESULTS)
def test_a_picture_of_the_gallery_says_how_it_was_made(name: str) -> None:
    assert Record.read(ROOT / "models" / "gallery" / f"{name}.jpg").settings


def test_readme_leads_to_every_guide_page() -> None:
    links = {each.text for each in documents.links(ROOT / "README.md")}
    assert {f"lightstyle/guide/{page.name}" for page in GUIDE} <= links


def test_readme_is_short_and_its_thumbnails_are_small() -> None:
    readme = ROOT / "README.md"
    assert len(readme.read_text("utf-8").splitlines()) <= 200
    pictures = [ROOT / link.text for link in documents.links(readme)]
    for picture in pictures:
        if picture.suffix == ".jpg" and picture.name != "demo.jpg":
            assert picture.stat().st_size <= 30_000, picture
