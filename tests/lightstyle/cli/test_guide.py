import sys
from pathlib import Path

import pytest

from lightstyle.cli import guide
from lightstyle.errors import ExitCode
from tests.conftest import Runner

REAL_PAGES = guide.PAGES
PAGE = "# Colours: whose to keep\n\nFour **ways**.\n"


@pytest.fixture(autouse=True)
def _pages(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "colours.md").write_text(PAGE, "utf-8")
    (tmp_path / "batch.md").write_text("# Batch: many\n", "utf-8")
    monkeypatch.setattr(guide, "PAGES", tmp_path)


def test_without_a_topic_the_pages_are_listed(run: Runner) -> None:
    done = run("guide")
    assert done.code == ExitCode.OK
    assert done.out.splitlines()[:2] == [
        "batch    Batch: many",
        "colours  Colours: whose to keep",
    ]


def test_a_page_is_plain_in_a_pipe(run: Runner) -> None:
    assert run("guide", "colours").out == PAGE


def test_a_page_is_formatted_on_a_terminal(
    run: Runner, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True)
    shown = run("guide", "colours").out
    assert "Four " in shown
    assert "**" not in shown


@pytest.mark.parametrize(
    ("topic", "advice"),
    [
        ("colors", "did you mean colours?"),
        ("FOUR", "did you mean colours?"),
        ("violins", "choose one of batch, colours"),
    ],
)
def test_an_unknown_page_is_refused_with_the_likeliest_one(
    run: Runner, topic: str, advice: str
) -> None:
    done = run("guide", topic)
    assert done.code == ExitCode.USAGE
    assert done.lines == [f"error: the guide has no page {topic}: {advice}"]


@pytest.mark.parametrize(
    ("topic", "page"),
    [("color", "colour"), ("masks", "regions"), ("checkpoint", "interruptions")],
)
def test_words_lead_to_the_page_of_the_real_guide(
    run: Runner, monkeypatch: pytest.MonkeyPatch, topic: str, page: str
) -> None:
    monkeypatch.setattr(guide, "PAGES", REAL_PAGES)
    assert run("guide", topic).lines[0].endswith(f"did you mean {page}?")
