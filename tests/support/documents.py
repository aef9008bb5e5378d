"""Finds the commands and the code that the documents show, and runs the former."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import pytest

from lightstyle.cli.app import main
from tests.support.processes import ROOT

GUIDE: Final = sorted((ROOT / "lightstyle" / "guide").glob("*.md"))

#: Every document that shows commands.
DOCUMENTS: Final = (
    ROOT / "README.md",
    ROOT / "lightstyle" / "README.md",
    ROOT / "models" / "README.md",
    ROOT / "tests" / "benchmarks" / "README.md",
    *GUIDE,
)

_FENCE: Final = re.compile(r"^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_SPAN: Final = re.compile(r"(?<!`)`([^`\n]+)`(?!`)")
_COMMENT: Final = re.compile(r"\s+# .*$")

#: How a command of ours begins in a sentence.
_OURS: Final = re.compile(r"^(lightstyle [a-z]|lightstyle --|python -m tests)")


@dataclass(frozen=True)
class Snippet:
    """A command or a block of code, and where it stands."""

    text: str
    document: Path
    line: int
    is_mention: bool = False  # of a command, in a sentence

    @property
    def place(self) -> str:
        return f"{self.document.relative_to(ROOT)}:{self.line}"


def blocks(document: Path, language: str) -> Iterator[Snippet]:
    """The fenced blocks of a language."""
    text = document.read_text("utf-8")
    for match in _FENCE.finditer(text):
        if match[1] == language:
            yield Snippet(match[2], document, _line(text, match.start()) + 1)


def commands(document: Path) -> Iterator[Snippet]:
    """Every command: `$` lines of consoles, shell blocks, and ours in line."""
    for block in blocks(document, "console"):
        yield from _lines(block, "$ ")
    for block in blocks(document, "sh"):
        yield from _lines(block, "")
    text = document.read_text("utf-8")
    rest = _FENCE.sub(lambda match: re.sub(r"[^\n]", " ", match[0]), text)
    for match in _SPAN.finditer(rest):
        if _OURS.match(match[1]):
            start = rest.rfind("\n", 0, match.start()) + 1
            in_table = rest[start] == "|"
            yield Snippet(match[1], document, _line(rest, start), not in_table)


def links(document: Path) -> Iterator[Snippet]:
    """The files that a document links to or shows, but for those of code in HTML."""
    text = document.read_text("utf-8")
    code = re.compile(r"^```html$.*?^```$", re.M | re.S)
    text = code.sub(lambda match: "\n" * match[0].count("\n"), text)
    for match in re.finditer(r"\]\(([^)\s#]+)[^)]*\)|(?:src|href)=\"([^\"#]+)", text):
        target = match[1] or match[2]
        if "://" not in target:
            yield Snippet(target, document, _line(text, match.start()))


def _lines(block: Snippet, prompt: str) -> Iterator[Snippet]:
    """The commands of a block, with continued lines joined and comments left out."""
    joined = re.sub(r"\\\n\s*", lambda match: " ", block.text)
    for number, line in enumerate(joined.splitlines()):
        if line.startswith(prompt) and line.strip():
            command = _COMMENT.sub("", line.removeprefix(prompt))
            yield Snippet(command, block.document, block.line + number)


def _line(text: str, position: int) -> int:
    return text.count("\n", 0, position) + 1


def call(arguments: list[str]) -> None:
    """Run a command of `lightstyle` in this process; it succeeds."""
    with pytest.raises(SystemExit) as caught:
        main(arguments)
    assert caught.value.code == 0
