import threading
from pathlib import Path

import pytest

from export import build_model
from lightstyle import contract, model_folder
from lightstyle.engine.model import Model
from lightstyle.errors import ModelError, OutputError
from lightstyle.zoo import known, registry
from tests.lightstyle.zoo.mirrored import HALF, Sites, get, refused
from tests.support import http_server as http
from tests.support import official
from tests.support.networks import tiny_weights


def test_what_is_fetched_becomes_the_model_of_its_name(
    sites: Sites,
) -> None:
    path = get()
    assert path == registry.cached("vgg19") == registry.find(None)
    assert Model.load(path, "cpu").info.source == "Keras HDF5"
    assert known.KNOWN["vgg19"].path.read_bytes() == sites[0].data
    assert (len(sites[0].seen), len(sites[1].seen)) == (1, 0)


def test_what_is_there_is_neither_fetched_nor_made_again(
    sites: Sites,
) -> None:
    made = get().stat().st_mtime_ns
    assert get(offline=True).stat().st_mtime_ns == made
    assert len(sites[0].seen) == 1


def test_a_damaged_model_is_made_again_from_the_weights_that_are_there(
    sites: Sites,
) -> None:
    path = get()
    contract.targets_path(path).write_bytes(b"damaged")
    Model.load(get(offline=True), "cpu")
    assert len(sites[0].seen) == 1


def test_damaged_weights_are_fetched_again_and_it_is_said(
    sites: Sites,
) -> None:
    get()
    known.KNOWN["vgg19"].path.write_bytes(b"damaged")
    notes: list[str] = []
    get(note=notes.append)
    assert len(notes) == 1
    assert "has MD5" in notes[0]
    assert known.KNOWN["vgg19"].path.read_bytes() == sites[0].data


def test_without_the_exporter_the_weights_are_kept_and_a_line_says_what_to_install(
    sites: Sites, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(registry, "exporter", lambda: None)
    error = refused()
    assert isinstance(error, ModelError)
    assert 'pip install "lightstyle[export]"' in str(error)
    assert known.KNOWN["vgg19"].path.read_bytes() == sites[0].data
    assert str(known.KNOWN["vgg19"].path) in str(error)


def test_right_digest_but_no_vgg19_makes_no_model(
    sites: Sites, monkeypatch: pytest.MonkeyPatch
) -> None:
    data = bytes(1000)
    sites[0].data = data
    bad = official.entry([sites[0].url], official.expected(data))
    monkeypatch.setitem(known.KNOWN, "vgg19", bad)
    error = refused()
    assert isinstance(error, ModelError)
    assert "no model can be built from vgg19" in str(error)
    assert not registry.cached("vgg19").exists()


def test_a_model_that_somebody_made_of_other_weights_is_not_replaced(
    sites: Sites, tmp_path: Path
) -> None:
    path = registry.cached("vgg19")
    build_model(tiny_weights(seed=5), path)
    before = path.read_bytes()
    error = refused()
    assert isinstance(error, ModelError)
    assert "other weights" in str(error)
    assert path.read_bytes() == before


def test_two_at_once_make_one_download(sites: Sites) -> None:
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
    sites: Sites, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "file").touch()
    monkeypatch.setenv(model_folder.CACHE_VARIABLE, str(tmp_path / "file"))
    assert isinstance(refused(), OutputError)
