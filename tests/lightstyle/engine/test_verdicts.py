import json
from pathlib import Path

import pytest

from lightstyle import model_folder
from lightstyle.engine import verdicts
from lightstyle.engine.verdicts import Verdict

FACTS = {"driver": "1", "graph": "abc"}


def _file() -> Path:
    return model_folder.cache_folder() / "devices.json"


def test_a_verdict_is_found_again_under_the_same_circumstances_only() -> None:
    kept = Verdict("new", FACTS, rate=5.0)
    verdicts.keep(kept)
    assert verdicts.find("new", dict(FACTS)) == kept
    assert verdicts.find("new", {**FACTS, "driver": "2"}) is None
    assert verdicts.find("cuda", FACTS) is None


def test_a_later_verdict_replaces_an_earlier_one() -> None:
    for fault in ("wrong", ""):
        verdicts.keep(Verdict("new", FACTS, fault))
        verdicts.keep(Verdict("other", FACTS))
    found = verdicts.find("new", FACTS)
    assert found is not None
    assert found.fault == ""
    assert len(json.loads(_file().read_text())) == 2


def test_the_file_does_not_grow_without_end() -> None:
    for number in range(70):
        verdicts.keep(Verdict("new", {"graph": str(number)}))
    assert len(json.loads(_file().read_text())) == 64
    assert verdicts.find("new", {"graph": "69"})


def test_verdicts_expire_and_refusals_sooner() -> None:
    today = Verdict("new", FACTS).day
    for fault, days, counts in (("", 29, True), ("", 30, False), ("x", 1, False)):
        assert Verdict("new", FACTS, fault, 0.0, today - days).counts is counts
    assert Verdict("new", FACTS, "x").counts
    assert not Verdict("new", FACTS, "", 0.0, today + 2).counts


@pytest.mark.parametrize(
    "damage",
    [
        b"",
        b"\xff\xfe",
        b"[",
        b"{}",
        b"[" * 100_000,
        b'[{"device": "new"}]',
        b'[{"device": "new", "facts": {"driver": "1", "graph": "abc"}, "fault": "",'
        b' "rate": NaN, "day": 20000}]',
        b"0" * 1_000_000,
    ],
)
def test_a_damaged_file_counts_as_empty_and_is_replaced(damage: bytes) -> None:
    _file().write_bytes(damage)
    assert verdicts.find("new", FACTS) is None
    verdicts.keep(Verdict("new", FACTS))
    assert verdicts.find("new", FACTS) is not None


def test_a_cache_that_cannot_be_written_is_left_alone(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "file").touch()
    for folder in (tmp_path / "file" / "cache", model_folder.NOWHERE):
        monkeypatch.setenv(model_folder.CACHE_VARIABLE, str(folder))
        verdicts.keep(Verdict("new", FACTS))
        assert verdicts.find("new", FACTS) is None
