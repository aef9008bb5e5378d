"""The oldest versions that ``pyproject.toml`` allows, as pip is told of them.

``pip install $(python -m tests.oldest cpu)`` installs the lower bound of every
requirement of the package and of the extras that are named.
"""

import re
import sys
import tomllib
from collections.abc import Iterable
from pathlib import Path
from typing import Final

PYPROJECT: Final = Path(__file__).parents[1] / "pyproject.toml"

_BOUND: Final = re.compile(r"([A-Za-z0-9_.-]+)(\[[^]]*\])?>=([0-9.]+)")


def pins(extras: Iterable[str]) -> list[str]:
    """Pin every requirement of the package and of some extras to its lower bound."""
    project = tomllib.loads(PYPROJECT.read_text("utf-8"))["project"]
    wanted = [*project["dependencies"]]
    for extra in extras:
        wanted += project["optional-dependencies"][extra]
    return [pinned(requirement) for requirement in wanted]


def pinned(requirement: str) -> str:
    """Turn ``name>=version`` into ``name==version``, whatever else it says.

    Raises:
        ValueError: The requirement has no lower bound.
    """
    found = _BOUND.match(requirement)
    if found is None:
        raise ValueError(f"{requirement} has no lower bound")
    name, extras, version = found.groups()
    return f"{name}{extras or ''}=={version}"


if __name__ == "__main__":
    print(*pins(sys.argv[1:]))
