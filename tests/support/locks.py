"""Folders that may not be looked into, also for root."""

import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

#: A user without an entry, home or right.
NOBODY = 54321


@contextmanager
def locked(folder: Path) -> Iterator[None]:
    """Lock a folder meanwhile, with all that is in it.

    Root may look everywhere and becomes another user, who can import nothing: what the
    test needs must be imported before.
    """
    is_root = os.geteuid() == 0
    above = folder.absolute().parents if is_root else ()  # pytest's own are locked
    modes = {each: each.stat().st_mode for each in (folder, *above)}
    for each in above:
        each.chmod(modes[each] | stat.S_IXOTH | stat.S_IXGRP)
    folder.chmod(0)
    if is_root:
        os.seteuid(NOBODY)
    try:
        yield
    finally:
        if is_root:
            os.seteuid(0)
        for each, mode in modes.items():
            each.chmod(mode)
