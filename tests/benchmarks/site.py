"""``python -m tests.benchmarks.site``: every file of the static site, and its size.

A visitor loads the files that are for all devices, and those for one.
"""

import tempfile
from collections.abc import Iterable
from pathlib import Path

from lightstyle.site import build, runtime
from lightstyle.site.devices import DEVICES


def main() -> None:
    """Write a site, and print its files, the largest first, and the totals."""
    with tempfile.TemporaryDirectory() as folder:
        files = build.build(Path(folder) / "site", runtime.fetch())
    print("| file | for | raw, kB | compressed, kB |\n|---|---|---|---|")
    for path, part in sorted(files.items(), key=lambda each: -each[1].compressed):
        devices = " and ".join(sorted(part.devices)) or "all"
        print(_row(path, devices, [part]))
    for device in DEVICES:
        loaded = [p for p in files.values() if not p.devices or device in p.devices]
        print(_row("**all that a visitor loads**", device, loaded))
    print(_row("**all that a server has**", "", files.values()))


def _row(title: str, devices: str, parts: Iterable[build.Part]) -> str:
    parts = [*parts]
    raw, small = sum(p.raw for p in parts), sum(p.compressed for p in parts)
    return f"| {title} | {devices} | {raw / 1000:,.1f} | {small / 1000:,.1f} |"


if __name__ == "__main__":
    main()
