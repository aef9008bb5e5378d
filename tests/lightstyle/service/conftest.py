from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.support.service import App

Apps = Callable[..., App]


@pytest.fixture
def apps(tmp_path: Path) -> Iterator[Apps]:
    """Makes applications, each with a data folder of its own."""
    made: list[App] = []

    def make(**options: Any) -> App:
        app = App(tmp_path / f"data-{len(made)}", **options)
        made.append(app)
        return app

    yield make
    for app in made:
        app.close()


@pytest.fixture
def app(folder: Path, apps: Apps) -> App:
    """An application with the default limits, and pictures in the current folder."""
    return apps()
