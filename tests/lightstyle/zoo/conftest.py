from collections.abc import Iterator
from pathlib import Path

import pytest

from lightstyle.digest import Expected
from lightstyle.errors import LightstyleError
from lightstyle.zoo.download import DownloadProgress, Patience, download
from tests.lightstyle.zoo.downloads import DATA, EXPECTED, PATIENCE, Fetched, Get
from tests.lightstyle.zoo.mirrored import Sites
from tests.support import http_server as http
from tests.support import official
from tests.support.http_server import Site


@pytest.fixture
def site() -> Iterator[Site]:
    with http.serving(DATA) as site:
        yield site


@pytest.fixture
def get(site: Site, tmp_path: Path) -> Get:
    """Download, and see that nothing but the whole file or a part of it is left."""

    def call(
        url: str = "", expected: Expected = EXPECTED, patience: Patience = PATIENCE
    ) -> Fetched:
        done = Fetched(tmp_path / "weights.bin")
        progress = DownloadProgress(done.reported.append, done.notes.append)
        try:
            download(url or site.url, done.path, expected, progress, patience)
        except LightstyleError as error:
            done.error = error
        left = {path.name for path in tmp_path.iterdir()}
        parts = {"weights.bin.part", "weights.bin.part.version"}
        assert left <= (parts if done.error else {"weights.bin"})
        return done

    return call


@pytest.fixture
def sites(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Sites]:
    """Two mirrors of tiny weights that are called vgg19."""
    data = official.data(tmp_path)
    with http.serving(data) as first, http.serving(data) as second:
        official.patch(monkeypatch, (first.url, second.url), data)
        yield first, second
