import hashlib
from pathlib import Path

import pytest

from lightstyle.engine.model import Model
from lightstyle.errors import ModelError, NetworkError, UsageError
from lightstyle.zoo import known, registry
from lightstyle.zoo.cache_files import part_path
from lightstyle.zoo.fetch import OFFLINE_VARIABLE, fetch
from tests.lightstyle.zoo.mirrored import (
    HALF,
    IMPATIENCE,
    PATIENCE,
    Sites,
    get,
    refused,
)
from tests.support import http_server as http


@pytest.fixture
def weights(sites: Sites, tmp_path: Path) -> Path:
    """A copy of the right file."""
    return tmp_path / "official.h5"


@pytest.mark.parametrize(
    "answer",
    [http.status(403), http.status(500), http.sends(b"x" * 10, 10), http.mute],
    ids=["403", "500", "a page", "mute"],
)
def test_the_next_mirror_is_asked_where_one_fails(
    sites: Sites, answer: http.Answer
) -> None:
    sites[0].after = answer
    notes: list[str] = []
    patience = IMPATIENCE if answer is http.mute else PATIENCE
    Model.load(get(note=notes.append, patience=patience), "cpu")
    assert len(sites[1].seen) == 1
    assert "trying the next mirror" in notes[-1]
    assert sites[0].url in notes[-1]


def test_a_mirror_with_wrong_bytes_is_passed_over(sites: Sites) -> None:
    data = sites[0].data
    sites[0].data = data[::-1]
    get()
    assert known.KNOWN["vgg19"].path.read_bytes() == data


def test_a_part_from_one_mirror_is_not_continued_by_another_file_of_the_next(
    sites: Sites,
) -> None:
    sites[0].script = [http.cut(HALF)]
    sites[0].after = http.status(404)
    sites[1].etag = '"two"'
    get()
    assert sites[1].ranges == [f"bytes={HALF}-"]
    assert sites[1].seen[0]["if-range"] == '"one"'


def test_the_reasons_of_all_mirrors_are_in_one_line(sites: Sites) -> None:
    sites[0].after, sites[1].after = http.status(403), http.status(404)
    error = refused()
    assert isinstance(error, NetworkError)
    assert all(word in str(error) for word in ("403", "404", "--from FILE"))
    assert all(site.url in str(error) for site in sites)


def test_a_wrong_digest_outweighs_a_mirror_that_is_down(
    sites: Sites,
) -> None:
    sites[0].data, sites[1].after = sites[0].data[::-1], http.status(404)
    error = refused()
    assert isinstance(error, ModelError)
    found = hashlib.md5(sites[0].data).hexdigest()
    assert f"MD5 {found}, expected {known.KNOWN['vgg19'].expected}" in str(error)
    assert not part_path(known.KNOWN["vgg19"].path).exists()
    assert not registry.cached("vgg19").exists()


@pytest.mark.parametrize("how", ["option", "variable"])
def test_the_network_can_be_forbidden(
    sites: Sites, monkeypatch: pytest.MonkeyPatch, how: str
) -> None:
    if how == "variable":
        monkeypatch.setenv(OFFLINE_VARIABLE, "1")
    error = refused(offline=how == "option")
    assert isinstance(error, NetworkError)
    assert "network is off" in str(error)
    assert sites[0].url in str(error)
    assert not sites[0].seen


@pytest.mark.parametrize("value", ["", "0"])
def test_the_variable_can_say_no(
    sites: Sites, monkeypatch: pytest.MonkeyPatch, value: str
) -> None:
    monkeypatch.setenv(OFFLINE_VARIABLE, value)
    assert get().is_file()


def test_a_copy_is_taken_without_the_network(sites: Sites, weights: Path) -> None:
    Model.load(get(source=weights, offline=True), "cpu")
    assert not sites[0].seen
    assert weights.is_file()
    Model.load(get(source=known.KNOWN["vgg19"].path), "cpu")


def test_another_file_is_refused_and_left_alone(sites: Sites, tmp_path: Path) -> None:
    other = tmp_path / "other.h5"
    other.write_bytes(b"something else")
    error = refused(source=other)
    assert isinstance(error, ModelError)
    found = hashlib.md5(b"something else").hexdigest()
    assert f"{other} has MD5 {found}" in str(error)
    assert str(known.KNOWN["vgg19"].expected) in str(error)
    assert f"lightstyle export --weights {other}" in str(error)
    assert other.read_bytes() == b"something else"
    assert not known.KNOWN["vgg19"].path.exists()


@pytest.mark.parametrize(
    ("name", "problem"), [("missing.h5", "does not exist"), (".", "is not a file")]
)
def test_a_copy_that_is_no_file_is_refused(
    sites: Sites, tmp_path: Path, name: str, problem: str
) -> None:
    error = refused(source=tmp_path / name)
    assert isinstance(error, ModelError)
    assert problem in str(error)


def test_a_url_stands_in_for_the_mirrors(sites: Sites) -> None:
    with http.serving(sites[0].data) as mine:
        get(source=mine.url)
        assert len(mine.seen) == 1
    assert not sites[0].seen


@pytest.mark.parametrize("url", ["ftp://example.invalid/x", "http://example.invalid/x"])
def test_other_kinds_of_url_are_refused(sites: Sites, url: str) -> None:
    assert isinstance(refused(source=url), UsageError)


def test_an_unknown_name_is_refused_with_the_known_ones() -> None:
    with pytest.raises(UsageError, match="vgg99, expected one of vgg19, vgg19-torch"):
        fetch("vgg99")
