"""Processes of local clusters."""

from contextlib import suppress
from pathlib import Path

import psutil

from lightstyle.cluster.local import VARIABLE


def of_cluster(folder: str | None = None) -> list[psutil.Process]:
    """Those of the cluster with a folder; by default of all that were begun in here."""
    found, here = [], str(Path.cwd())
    for process in psutil.process_iter():
        with suppress(psutil.Error):
            own = process.environ().get(VARIABLE)
            if own and (own == folder if folder else process.cwd() == here):
                found.append(process)
    return found
