import hashlib
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from export import build_model
from lightstyle import contract, registry, zoo
from lightstyle.download import Patience, Watcher, part_path
from lightstyle.errors import (
    LightstyleError,
    ModelError,
    NetworkError,
    OutputError,
    UsageError,
)
from lightstyle.fetch import OFFLINE_VARIABLE, fetch
from lightstyle.model import Model
from tests import http_server as http
from tests import official
from tests.http_server import Site
from tests.networks import tiny_weights

PATIENCE = Patience(timeout=20, attempts=2, pause=0.01)
IMPATIENCE = Patience(timeout=0.3, attempts=2, pause=0.01)
HALF = 10_000


@pytest.fixture
def sites(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[tuple[Site, Site]]:
    """Two mirrors of tiny weights that are called vgg19."""
    data = official.data(tmp_path)
    with http.serving(data) as first, http.serving(data) as second:
        tiny = official.entry((first.url, second.url), official.expected(data))
        monkeypatch.setitem(zoo.KNOWN, "vgg19", tiny)
        monkeypatch.setattr(registry, "exporter", lambda: official.TinyExporter)
        yield first, second


@pytest.fixture
def weights(sites: tuple[Site, Site], tmp_path: Path) -> Path:
    """A copy of the right file."""
    return tmp_path / "official.h5"


def get(
    *,
    source: str | Path | None = None,
    offline: bool = False,
    note: Callable[[str], None] = print,
    patience: Patience = PATIENCE,
) -> Path:
    watcher = Watcher(note=note)
    text = None if source is None else str(source)
    return fetch(
        "vgg19", source=text, offline=offline, watcher=watcher, patience=patience
    )


def refused(**choices: object) -> LightstyleError:
    with pytest.raises(LightstyleError) as caught:
        get(**choices)  # type: ignore[arg-type]
    assert "\n" not in str(caught.value)
    return caught.value


def test_the_table_is_complete() -> None:
    for name, entry in zoo.KNOWN.items():
        assert name == entry.name
        assert entry.what
        assert entry.licence
        files = {urlsplit(url).path.rpartition("/")[2] for url in entry.mirrors}
        assert files == {entry.path.name}
        assert all(urlsplit(url).scheme == "https" for url in entry.mirrors)
        assert set(entry.expected.digest) <= set("0123456789abcdef")
    assert contract.DEFAULT_MODEL in zoo.KNOWN
    assert len({entry.path for entry in zoo.KNOWN.values()}) == len(zoo.KNOWN)


def test_what_is_fetched_becomes_the_model_of_its_name(
    sites: tuple[Site, Site],
) -> None:
    path = get()
    assert path == registry.cached("vgg19") == registry.find(None)
    assert Model.load(path, "cpu").info.source == "Keras HDF5"
    assert zoo.KNOWN["vgg19"].path.read_bytes() == sites[0].data
    assert (len(sites[0].seen), len(sites[1].seen)) == (1, 0)


def test_what_is_there_is_neither_fetched_nor_made_again(
    sites: tuple[Site, Site],
) -> None:
    made = get().stat().st_mtime_ns
    assert get(offline=True).stat().st_mtime_ns == made
    assert len(sites[0].seen) == 1


def test_a_damaged_model_is_made_again_from_the_weights_that_are_there(
    sites: tuple[Site, Site],
) -> None:
    path = get()
    contract.targets_path(path).write_bytes(b"damaged")
    Model.load(get(offline=True), "cpu")
    assert len(sites[0].seen) == 1


def test_damaged_weights_are_fetched_again_and_it_is_said(
    sites: tuple[Site, Site],
) -> None:
    get()
    zoo.KNOWN["vgg19"].path.write_bytes(b"damaged")
    notes: list[str] = []
    get(note=notes.append)
    assert len(notes) == 1
    assert "has MD5" in notes[0]
    assert zoo.KNOWN["vgg19"].path.read_bytes() == sites[0].data


@pytest.mark.parametrize(
    "answer",
    [http.status(403), http.status(500), http.sends(b"x" * 10, 10), http.mute],
    ids=["403", "500", "a page", "mute"],
)
def test_the_next_mirror_is_asked_where_one_fails(
    sites: tuple[Site, Site], answer: http.Answer
) -> None:
    sites[0].after = answer
    notes: list[str] = []
    patience = IMPATIENCE if answer is http.mute else PATIENCE
    Model.load(get(note=notes.append, patience=patience), "cpu")
    assert len(sites[1].seen) == 1
    assert "trying the next mirror" in notes[-1]
    assert sites[0].url in notes[-1]


def test_a_mirror_with_wrong_bytes_is_passed_over(sites: tuple[Site, Site]) -> None:
    data = sites[0].data
    sites[0].data = data[::-1]
    get()
    assert zoo.KNOWN["vgg19"].path.read_bytes() == data


def test_a_part_from_one_mirror_is_not_continued_by_another_file_of_the_next(
    sites: tuple[Site, Site],
) -> None:
    sites[0].script = [http.cut(HALF)]
    sites[0].after = http.status(404)
    sites[1].etag = '"two"'
    get()
    assert sites[1].ranges == [f"bytes={HALF}-"]
    assert sites[1].seen[0]["if-range"] == '"one"'


def test_the_reasons_of_all_mirrors_are_in_one_line(sites: tuple[Site, Site]) -> None:
    sites[0].after, sites[1].after = http.status(403), http.status(404)
    error = refused()
    assert isinstance(error, NetworkError)
    assert all(word in str(error) for word in ("403", "404", "--from FILE"))
    assert all(site.url in str(error) for site in sites)


def test_a_wrong_digest_outweighs_a_mirror_that_is_down(
    sites: tuple[Site, Site],
) -> None:
    sites[0].data, sites[1].after = sites[0].data[::-1], http.status(404)
    error = refused()
    assert isinstance(error, ModelError)
    found = hashlib.md5(sites[0].data).hexdigest()
    assert f"MD5 {found}, expected {zoo.KNOWN['vgg19'].expected}" in str(error)
    assert not part_path(zoo.KNOWN["vgg19"].path).exists()
    assert not registry.cached("vgg19").exists()


@pytest.mark.parametrize("how", ["option", "variable"])
def test_the_network_can_be_forbidden(
    sites: tuple[Site, Site], monkeypatch: pytest.MonkeyPatch, how: str
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
    sites: tuple[Site, Site], monkeypatch: pytest.MonkeyPatch, value: str
) -> None:
    monkeypatch.setenv(OFFLINE_VARIABLE, value)
    assert get().is_file()


def test_a_copy_is_taken_without_the_network(
    sites: tuple[Site, Site], weights: Path
) -> None:
    Model.load(get(source=weights, offline=True), "cpu")
    assert not sites[0].seen
    assert weights.is_file()
    Model.load(get(source=zoo.KNOWN["vgg19"].path), "cpu")


def test_another_file_is_refused_and_left_alone(
    sites: tuple[Site, Site], tmp_path: Path
) -> None:
    other = tmp_path / "other.h5"
    other.write_bytes(b"something else")
    error = refused(source=other)
    assert isinstance(error, ModelError)
    found = hashlib.md5(b"something else").hexdigest()
    assert f"{other} has MD5 {found}" in str(error)
    assert str(zoo.KNOWN["vgg19"].expected) in str(error)
    assert f"lightstyle export --weights {other}" in str(error)
    assert other.read_bytes() == b"something else"
    assert not zoo.KNOWN["vgg19"].path.exists()


@pytest.mark.parametrize("name", ["missing.h5", "."])
def test_a_copy_that_is_no_file_is_refused(
    sites: tuple[Site, Site], tmp_path: Path, name: str
) -> None:
    error = refused(source=tmp_path / name)
    assert isinstance(error, ModelError)
    assert "is not a file" in str(error)


def test_a_url_stands_in_for_the_mirrors(sites: tuple[Site, Site]) -> None:
    with http.serving(sites[0].data) as mine:
        get(source=mine.url)
        assert len(mine.seen) == 1
    assert not sites[0].seen


@pytest.mark.parametrize("url", ["ftp://example.invalid/x", "http://example.invalid/x"])
def test_other_kinds_of_url_are_refused(sites: tuple[Site, Site], url: str) -> None:
    assert isinstance(refused(source=url), UsageError)


def test_an_unknown_name_is_refused_with_the_known_ones() -> None:
    with pytest.raises(UsageError, match="vgg99, expected one of vgg19, vgg19-torch"):
        fetch("vgg99")


def test_without_the_exporter_the_weights_are_kept_and_a_line_says_what_to_install(
    sites: tuple[Site, Site], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(registry, "exporter", lambda: None)
    error = refused()
    assert isinstance(error, ModelError)
    assert 'pip install "lightstyle[export]"' in str(error)
    assert zoo.KNOWN["vgg19"].path.read_bytes() == sites[0].data
    assert str(zoo.KNOWN["vgg19"].path) in str(error)


def test_right_digest_but_no_vgg19_makes_no_model(
    sites: tuple[Site, Site], monkeypatch: pytest.MonkeyPatch
) -> None:
    data = bytes(1000)
    sites[0].data = data
    bad = official.entry([sites[0].url], official.expected(data))
    monkeypatch.setitem(zoo.KNOWN, "vgg19", bad)
    error = refused()
    assert isinstance(error, ModelError)
    assert "no model of vgg19 can be made" in str(error)
    assert not registry.cached("vgg19").exists()


def test_a_model_that_somebody_made_of_other_weights_is_not_replaced(
    sites: tuple[Site, Site], tmp_path: Path
) -> None:
    path = registry.cached("vgg19")
    build_model(tiny_weights(seed=5), path)
    before = path.read_bytes()
    error = refused()
    assert isinstance(error, ModelError)
    assert "other weights" in str(error)
    assert path.read_bytes() == before


def test_two_at_once_make_one_download(sites: tuple[Site, Site]) -> None:
    sites[0].script = [http.pause(HALF)]
    notes: list[str] = []
    paths: list[Path] = []

    def first() -> None:
        paths.append(get())

    def second() -> None:
        paths.append(get(note=notes.append))

    threads = [threading.Thread(target=first), threading.Thread(target=second)]
    threads[0].start()
    while threads[0].is_alive() and not sites[0].seen:
        threads[0].join(0.01)
    threads[1].start()
    while threads[1].is_alive() and not notes:
        threads[1].join(0.01)
    sites[0].release.set()
    for thread in threads:
        thread.join()
    assert paths == [registry.cached("vgg19")] * 2
    assert sites[0].ranges == [""]
    assert notes == ["vgg19 is being fetched by another process: waiting for it"]


def test_a_cache_folder_that_cannot_be_made_is_an_output_error(
    sites: tuple[Site, Site], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "file").touch()
    monkeypatch.setenv(contract.CACHE_VARIABLE, str(tmp_path / "file"))
    assert isinstance(refused(), OutputError)


def test_verifying_says_what_is_right(sites: tuple[Site, Site]) -> None:
    path = get()
    lines = zoo.verify(None)
    assert [line.split(":")[0] for line in lines] == [
        f"ok weights {zoo.KNOWN['vgg19'].path}",
        f"ok model {path}",
    ]
    assert zoo.KNOWN["vgg19"].expected.digest in lines[0]


@pytest.mark.parametrize("what", ["weights", "model weights", "targets"])
def test_verifying_finds_what_is_damaged(sites: tuple[Site, Site], what: str) -> None:
    path = get()
    damaged = {
        "weights": zoo.KNOWN["vgg19"].path,
        "model weights": contract.weights_path(path),
        "targets": contract.targets_path(path),
    }[what]
    data = bytearray(damaged.read_bytes())
    data[len(data) // 2] ^= 255
    damaged.write_bytes(data[: -len(data) // 4] if what == "targets" else data)
    with pytest.raises(ModelError) as caught:
        zoo.verify("vgg19")
    assert str(damaged) in str(caught.value)


def test_a_model_elsewhere_is_verified_by_itself(tiny_model: Path) -> None:
    (line,) = zoo.verify(str(tiny_model))
    assert line.startswith(f"ok model {tiny_model}")
