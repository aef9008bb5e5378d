import errno
import hashlib
import os
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from lightstyle.digest import Expected
from lightstyle.errors import (
    LightstyleError,
    ModelError,
    NetworkError,
    OutputError,
    UsageError,
)
from lightstyle.zoo.cache_files import part_path
from lightstyle.zoo.https import is_secure
from tests.lightstyle.zoo.downloads import (
    DATA,
    EXPECTED,
    HALF,
    IMPATIENCE,
    OTHER,
    PATIENCE,
    Get,
)
from tests.support import http_server as http
from tests.support.http_server import Answer, Site

#: Cases in which nothing comes for a while.
SILENT = ("stalls half way", "says nothing")


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
    hurry = replace(PATIENCE, timeout=0.3)  # nothing else comes
    done = get(patience=hurry if case == "mute always" else PATIENCE)
    assert type(done.error) is kind
    assert words in str(done.error)
    assert site.url.rpartition("/")[0] in str(done.error)
    assert "\n" not in str(done.error)
    assert len(site.seen) == requests
    assert not done.path.exists()
    assert not (kind is ModelError and part_path(done.path).exists())


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
