"""Tiny weights in Keras's format in the place of the official ones.

The exporter's reader is told the widths to expect; everything else is what it is for
the real file.
"""

import hashlib
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from export import SCHEMA, ExportError, build_model
from export.weights import read_weights
from lightstyle.digest import Expected
from lightstyle.zoo import known, registry
from lightstyle.zoo.known import Known
from tests.export.weights.writers import TINY, tiny_network, write_keras

NAME = "vgg19"


class TinyExporter:
    """The exporter, for networks of TINY's widths."""

    SCHEMA = SCHEMA
    ExportError = ExportError

    @staticmethod
    def export_model(weights: Path, output: Path) -> None:
        build_model(read_weights(weights, channels=TINY), output)


def data(folder: Path) -> bytes:
    """The file of weights, made in `folder`."""
    path = folder / "official.h5"
    write_keras(path, tiny_network())
    return path.read_bytes()


def expected(data: bytes) -> Expected:
    return Expected(len(data), "md5", hashlib.md5(data).hexdigest())


def entry(urls: Sequence[str], expected: Expected) -> Known:
    return replace(known.KNOWN[NAME], mirrors=tuple(urls), expected=expected)


def patch(monkeypatch: pytest.MonkeyPatch, urls: Sequence[str], data: bytes) -> None:
    """Put them in the table, as `data` that the `urls` offer, for one test."""
    monkeypatch.setitem(known.KNOWN, NAME, entry(urls, expected(data)))
    monkeypatch.setattr(registry, "exporter", lambda: TinyExporter)


def install(urls: Sequence[str], expected: Expected) -> None:
    """Put them in the table for good, in a process of its own."""
    known.KNOWN[NAME] = entry(urls, expected)
    vars(registry)["exporter"] = lambda: TinyExporter
