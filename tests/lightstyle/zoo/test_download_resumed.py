import hashlib
import subprocess
from pathlib import Path

import numpy as np
import pytest

from lightstyle.digest import Expected
from lightstyle.errors import NetworkError
from lightstyle.zoo.cache_files import part_path
from tests.lightstyle.zoo.downloads import DATA, EXPECTED, HALF, OTHER, Get
from tests.support import http_server as http
from tests.support.http_server import Site
from tests.support.processes import start_script


def test_a_redirect_is_followed_and_asks_for_the_rest_as_well(
    site: Site, get: Get
) -> None:
    there = http.redirect("/elsewhere.bin")
    site.script = [there, http.cut(HALF), there]
    assert get().is_good
    assert site.ranges == ["", "", f"bytes={HALF}-", f"bytes={HALF}-"]


def test_a_file_that_changes_in_between_is_fetched_from_its_beginning(
    site: Site, get: Get
) -> None:
    def changes(exchange: http.Exchange) -> None:
        exchange.wfile.write(exchange.begin()[:HALF].replace(b"a", b"b"))
        site.etag = '"two"'

    site.script = [changes]
    assert get().is_good
    assert [headers.get("if-range") for headers in site.seen] == [None, '"one"']


def test_a_changed_file_is_seen_though_the_server_ignores_the_condition(
    site: Site, get: Get
) -> None:
    def changes(exchange: http.Exchange) -> None:
        exchange.wfile.write(exchange.begin()[:HALF].replace(b"a", b"b"))
        site.etag = '"two"'

    site.script = [changes, http.ignores_condition]
    assert get().is_good
    assert site.ranges == ["", f"bytes={HALF}-", ""]


@pytest.mark.parametrize("etag", ["", 'W/"weak"'])
def test_without_a_version_there_is_no_resuming(
    site: Site, get: Get, etag: str
) -> None:
    site.etag, site.script = etag, [http.cut(HALF)]
    assert get().is_good
    assert site.ranges == ["", ""]


def test_a_later_download_goes_on_where_one_failed(site: Site, get: Get) -> None:
    site.after = http.cut(HALF)
    site.script = [http.cut(HALF), http.status(404)]
    assert isinstance(get().error, NetworkError)
    site.after = http.whole
    done = get()
    assert done.is_good
    assert done.reported[0] == HALF
    assert site.ranges[-1] == f"bytes={HALF}-"


def _leave_part(folder: Path, data: bytes, version: str) -> None:
    part = part_path(folder / "weights.bin")
    part.write_bytes(data)
    part.with_name(f"{part.name}.version").write_text(version)


@pytest.mark.parametrize(
    ("left", "version", "ranges"),
    [
        (DATA, '"one"', []),
        (OTHER[:HALF], '"one"', [f"bytes={HALF}-", ""]),
        (OTHER, '"one"', [""]),
        (OTHER * 2, '"one"', [""]),
        (DATA[:HALF], "a\r\nHost: b", [""]),
    ],
    ids=["all there", "wrong part", "wrong whole", "too much", "broken version"],
)
def test_what_is_left_of_an_earlier_download_does_no_harm(
    site: Site,
    get: Get,
    tmp_path: Path,
    left: bytes,
    version: str,
    ranges: list[str],
) -> None:
    _leave_part(tmp_path, left, version)
    assert get().is_good
    assert site.ranges == ranges


def test_a_line_that_breaks_often_gets_there_as_long_as_it_gets_on(
    site: Site, get: Get
) -> None:
    site.data = np.random.default_rng(3).bytes(6 * 2**20)
    site.after = http.cut(2**20)
    digest = hashlib.md5(site.data).hexdigest()
    done = get(expected=Expected(len(site.data), "md5", digest))
    assert done.error is None
    assert len(site.seen) == 6


_SCRIPT = """
import sys
from pathlib import Path
from lightstyle.digest import Expected
from lightstyle.zoo.download import DownloadProgress, Patience, download
url, path, size, digest = sys.argv[1:]
expected = Expected(int(size), "md5", digest)
progress = DownloadProgress(lambda done: print(done, flush=True))
download(url, Path(path), expected, progress, Patience())
"""


def test_after_a_kill_in_the_middle_it_goes_on_where_it_was(
    site: Site, get: Get, tmp_path: Path
) -> None:
    site.script = [http.stall(HALF)]
    arguments = [site.url, tmp_path / "weights.bin", len(DATA), EXPECTED.digest]
    process = start_script(_SCRIPT, *arguments, stdout=subprocess.PIPE)
    assert process.stdout is not None
    with process:
        reported = iter(process.stdout.readline, "")  # it ends with the process
        assert f"{HALF}\n" in reported
        process.kill()
    assert not (tmp_path / "weights.bin").exists()
    assert get().is_good
    assert site.ranges == ["", f"bytes={HALF}-"]
