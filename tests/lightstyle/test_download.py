import errno
import hashlib
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from lightstyle.digest import Expected
from lightstyle.download import Patience, Watcher, download, part_path
from lightstyle.errors import (
    LightstyleError,
    ModelError,
    NetworkError,
    OutputError,
    UsageError,
)
from lightstyle.https import is_secure
from tests import http_server as http
from tests.http_server import Answer, Site

ROOT = Path(__file__).parent.parent.parent

DATA = np.random.default_rng(1).bytes(50_000)
OTHER = np.random.default_rng(2).bytes(50_000)
HALF = 20_000
EXPECTED = Expected(len(DATA), "md5", hashlib.md5(DATA).hexdigest())

PATIENCE = Patience(timeout=20, attempts=3, pause=0.01)
IMPATIENCE = Patience(timeout=0.3, attempts=3, pause=0.01)
#: Answers after which nothing comes.
SILENT = ("stalls half way", "says nothing", "mute always")


@dataclass
class Fetched:
    """What a download did: the error if any, the notes, the bytes reported."""

    path: Path
    error: LightstyleError | None = None
    notes: list[str] = field(default_factory=list)
    reported: list[int] = field(default_factory=list)

    @property
    def is_good(self) -> bool:
        return self.path.read_bytes() == DATA


@pytest.fixture(autouse=True)
def _no_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("no_proxy", "*")


@pytest.fixture
def site() -> Iterator[Site]:
    with http.serving(DATA) as site:
        yield site


Get = Callable[..., Fetched]


@pytest.fixture
def get(site: Site, tmp_path: Path) -> Get:
    """Download, and see that nothing but the whole file or a part of it is left."""

    def call(
        url: str = "", expected: Expected = EXPECTED, patience: Patience = PATIENCE
    ) -> Fetched:
        done = Fetched(tmp_path / "weights.bin")
        watcher = Watcher(done.reported.append, done.notes.append)
        try:
            download(url or site.url, done.path, expected, watcher, patience)
        except LightstyleError as error:
            done.error = error
        left = {path.name for path in tmp_path.iterdir()}
        parts = {"weights.bin.part", "weights.bin.part.version"}
        assert left <= (parts if done.error else {"weights.bin"})
        return done

    return call


GOOD_IN_THE_END: dict[str, tuple[list[Answer], list[str]]] = {
    "all well": ([], [""]),
    "cut, then well": ([http.cut(HALF)], ["", f"bytes={HALF}-"]),
    "cut twice": (
        [http.cut(HALF), http.cut(5000)],
        ["", f"bytes={HALF}-", f"bytes={HALF + 5000}-"],
    ),
    "cut before the first byte": ([http.cut(0)], ["", ""]),
    "stalls half way": ([http.stall(HALF)], ["", f"bytes={HALF}-"]),
    "says nothing": ([http.mute], ["", ""]),
    "500 once": ([http.status(500)], ["", ""]),
    "503 half way": (
        [http.cut(HALF), http.status(503)],
        ["", f"bytes={HALF}-", f"bytes={HALF}-"],
    ),
    "too many requests": ([http.status(429)], ["", ""]),
    "no range such as this": (
        [http.cut(HALF), http.status(416)],
        ["", f"bytes={HALF}-", ""],
    ),
    "ignores ranges": (
        [http.cut(HALF), http.without_ranges],
        ["", f"bytes={HALF}-"],
    ),
    "sends another part": (
        [http.cut(HALF), http.wrong_part],
        ["", f"bytes={HALF}-", ""],
    ),
    "a part that nobody asked for": ([http.wrong_part], ["", ""]),
    "not HTTP": ([http.garbage], ["", ""]),
    "no length": ([http.sends(DATA)], [""]),
    "no length, cut": ([http.sends(DATA[:HALF])], ["", f"bytes={HALF}-"]),
    "chunks": ([http.chunked(len(DATA))], [""]),
    "chunks, cut": ([http.chunked(HALF)], ["", f"bytes={HALF}-"]),
    "more than announced": ([http.sends(DATA + OTHER, len(DATA))], [""]),
}


@pytest.mark.parametrize("case", GOOD_IN_THE_END)
def test_a_good_file_in_the_end(site: Site, get: Get, case: str) -> None:
    site.script, ranges = GOOD_IN_THE_END[case]
    site.script = [*site.script]
    done = get(patience=IMPATIENCE if case in SILENT else PATIENCE)
    assert done.error is None
    assert done.is_good
    assert site.ranges == ranges
    assert len(done.notes) == len(ranges) - 1
    assert done.reported[-1] == len(DATA)


REFUSED: dict[str, tuple[Answer, type[LightstyleError], str, int]] = {
    "forbidden": (http.status(403), NetworkError, "403 Forbidden", 1),
    "not found": (http.status(404), NetworkError, "404 Not Found", 1),
    "nothing": (http.status(204), NetworkError, "204", 1),
    "500 always": (http.status(500), NetworkError, "500 Internal Server Error", 3),
    "mute always": (http.mute, NetworkError, "timed out", 3),
    "cut always": (http.cut(0), NetworkError, "broke off after 0 of 50000", 3),
    "not HTTP ever": (http.garbage, NetworkError, "", 3),
    "wrong bytes": (
        http.sends(OTHER, len(OTHER)),
        ModelError,
        f"has MD5 {hashlib.md5(OTHER).hexdigest()}, expected MD5 {EXPECTED.digest}",
        1,
    ),
    "a page": (
        http.sends(b"<html>", 6),
        NetworkError,
        "offers 6 of 50000 bytes",
        1,
    ),
    "announces more": (
        http.sends(DATA, len(DATA) + 1),
        NetworkError,
        "offers 50001 of 50000 bytes",
        1,
    ),
    "sends more": (http.sends(DATA + b"x"), NetworkError, "more than 50000 bytes", 1),
    "no end": (http.endless, NetworkError, "more than 50000 bytes", 1),
    "http elsewhere": (
        http.redirect("http://example.invalid/weights.bin"),
        NetworkError,
        "redirects to http://example.invalid/weights.bin, expected https",
        1,
    ),
    "a file of ours": (
        http.redirect("file:///etc/hostname"),
        NetworkError,
        "302",
        1,
    ),
    "in circles": (http.redirect("/weights.bin"), NetworkError, "infinite loop", 5),
}


@pytest.mark.parametrize("case", REFUSED)
def test_one_clear_line_and_no_file(site: Site, get: Get, case: str) -> None:
    site.after, kind, words, requests = REFUSED[case]
    done = get(patience=IMPATIENCE if case in SILENT else PATIENCE)
    assert type(done.error) is kind
    assert words in str(done.error)
    assert site.url.rpartition("/")[0] in str(done.error)
    assert "\n" not in str(done.error)
    assert len(site.seen) == requests
    assert not done.path.exists()
    assert not (kind is ModelError and part_path(done.path).exists())


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


def test_so_it_is_by_a_server_that_does_not_mind_the_condition(
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


START = Expected(len(DATA), "sha256", hashlib.sha256(DATA).hexdigest()[:8])


def test_the_beginning_of_a_digest_is_enough(get: Get) -> None:
    assert get(expected=START).is_good


def test_the_beginning_of_a_digest_has_to_be_right(get: Get, site: Site) -> None:
    site.data = OTHER
    found = hashlib.sha256(OTHER).hexdigest()
    words = f"SHA-256 {found}, expected SHA-256 {START.digest}…"
    assert words in str(get(expected=START).error)


def test_a_file_of_another_size_is_refused_by_its_size_too(tmp_path: Path) -> None:
    path = tmp_path / "weights.bin"
    path.write_bytes(DATA)
    with pytest.raises(ModelError, match="has 50000 bytes, expected 49999"):
        Expected(len(DATA) - 1, "md5", EXPECTED.digest).check(path, "weights")


@pytest.mark.parametrize(
    "url", ["http://example.invalid/x", "ftp://127.0.0.1/x", "file:///etc/x", "https:/"]
)
def test_other_urls_are_refused_before_anything_is_sent(get: Get, url: str) -> None:
    assert isinstance(get(url).error, UsageError)


def test_only_https_and_this_machine_are_secure() -> None:
    assert all(
        map(
            is_secure,
            ["https://example.org/x", "http://localhost:1/x", "http://[::1]/x"],
        )
    )
    assert not any(
        map(
            is_secure, ["http://127.0.0.1.example.org/", "http://10.0.0.1/", "x", "//["]
        )
    )


def test_no_server_at_all_is_one_line(get: Get) -> None:
    done = get("http://127.0.0.1:9/weights.bin")
    assert isinstance(done.error, NetworkError)
    assert "refused" in str(done.error)
    assert len(done.notes) == PATIENCE.attempts - 1


def test_a_certificate_that_nobody_signed_is_not_tried_again(
    get: Get, monkeypatch: pytest.MonkeyPatch
) -> None:
    import ssl
    import urllib.error
    import urllib.request

    def open_(*arguments: Any, **options: Any) -> Any:
        reason = ssl.SSLCertVerificationError(1, "certificate verify failed")
        raise urllib.error.URLError(reason)

    monkeypatch.setattr(urllib.request.OpenerDirector, "open", open_)
    done = get("https://example.invalid/weights.bin")
    assert isinstance(done.error, NetworkError)
    assert "certificate verify failed" in str(done.error)
    assert not done.notes


def test_a_full_disk_is_an_output_error(
    get: Get, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(descriptor: int) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "fsync", full)
    done = get()
    assert isinstance(done.error, OutputError)
    assert "No space left" in str(done.error)


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
from lightstyle.download import Watcher, download
url, path, size, digest = sys.argv[1:]
expected = Expected(int(size), "md5", digest)
download(url, Path(path), expected, Watcher(lambda done: print(done, flush=True)))
"""


def test_after_a_kill_in_the_middle_it_goes_on_where_it_was(
    site: Site, get: Get, tmp_path: Path
) -> None:
    site.script = [http.stall(HALF)]
    arguments = [site.url, tmp_path / "weights.bin", len(DATA), EXPECTED.digest]
    process = subprocess.Popen(
        [sys.executable, "-c", _SCRIPT, *map(str, arguments)],
        stdout=subprocess.PIPE,
        text=True,
        cwd=ROOT,
    )
    assert process.stdout is not None
    with process:
        while process.stdout.readline() != f"{HALF}\n":
            pass
        process.kill()
    assert not (tmp_path / "weights.bin").exists()
    assert get().is_good
    assert site.ranges == ["", f"bytes={HALF}-"]
