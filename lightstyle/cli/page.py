"""The command ``lightstyle page``: the page as a static site."""

from collections.abc import Collection
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from .console import columns, say
from .help import command
from .options import Quiet

if TYPE_CHECKING:
    from ..site import build


@command
def page(
    output: Annotated[
        Path | None,
        typer.Option(
            "-o",
            "--output",
            metavar="FOLDER",
            help="Folder of the site, new or empty; without it, only get what "
            "`lightstyle serve` needs to offer the same.",
        ),
    ] = None,
    quiet: Quiet = False,
) -> None:
    """Write a page that paints in the visitor's browser.

    It is a static site for any web server. No picture leaves the visitor's device. The
    first time, npm gets ONNX Runtime for browsers into the cache folder.

    Examples:
        lightstyle page -o site
        lightstyle page
    """
    from ..site import build, runtime

    folder = None if output is None else build.check(output)
    found = runtime.find()
    if found is None:
        if not quiet:
            say("getting ONNX Runtime for browsers with npm, once")
        found = runtime.fetch()
    if folder is None:
        if not quiet:
            say(f"`lightstyle serve` now offers to paint in browsers, with {found}")
        return
    files = build.build(folder, found)
    if not quiet:
        _report(files.values())
        say(f"site {folder}: {len(files)} files, for any web server")


def _report(files: "Collection[build.Part]") -> None:
    rows = [("A VISITOR LOADS", "RAW", "COMPRESSED")]
    for title, device in (("with WebGPU", "webgpu"), ("without", "wasm")):
        needed = [file for file in files if not file.devices or device in file.devices]
        sizes = sum(f.raw for f in needed), sum(f.compressed for f in needed)
        raw, compressed = (f"{size / 1e6:.1f} MB" for size in sizes)
        rows.append((title, raw, compressed))
    columns(rows, right=(1, 2))
