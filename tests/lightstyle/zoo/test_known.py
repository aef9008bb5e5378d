from pathlib import Path
from urllib.parse import urlsplit

import pytest

from lightstyle import contract, model_folder
from lightstyle.errors import ModelError
from lightstyle.zoo import known
from tests.lightstyle.zoo.mirrored import Sites, get


def test_the_table_is_complete() -> None:
    for name, entry in known.KNOWN.items():
        assert name == entry.name
        assert entry.what
        assert entry.licence
        files = {urlsplit(url).path.rpartition("/")[2] for url in entry.mirrors}
        assert files == {entry.path.name}
        assert all(urlsplit(url).scheme == "https" for url in entry.mirrors)
        assert set(entry.expected.digest) <= set("0123456789abcdef")
    assert model_folder.DEFAULT_MODEL in known.KNOWN
    assert len({entry.path for entry in known.KNOWN.values()}) == len(known.KNOWN)


def test_verifying_says_what_is_right(sites: Sites) -> None:
    path = get()
    lines = known.verify(None)
    assert [line.split(":")[0] for line in lines] == [
        f"ok weights {known.KNOWN['vgg19'].path}",
        f"ok model {path}",
    ]
    assert known.KNOWN["vgg19"].expected.digest in lines[0]


@pytest.mark.parametrize("what", ["weights", "model weights", "targets"])
def test_verifying_finds_what_is_damaged(sites: Sites, what: str) -> None:
    path = get()
    damaged = {
        "weights": known.KNOWN["vgg19"].path,
        "model weights": contract.weights_path(path),
        "targets": contract.targets_path(path),
    }[what]
    data = bytearray(damaged.read_bytes())
    data[len(data) // 2] ^= 255
    damaged.write_bytes(data[: -len(data) // 4] if what == "targets" else data)
    with pytest.raises(ModelError) as caught:
        known.verify("vgg19")
    assert str(damaged) in str(caught.value)


def test_a_model_elsewhere_is_verified_by_itself(tiny_model: Path) -> None:
    (line,) = known.verify(str(tiny_model))
    assert line.startswith(f"ok model {tiny_model}")
