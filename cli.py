"""Launcher for a checkout: ``python cli.py stylize …`` without installing anything."""

import sys

if sys.version_info < (3, 11):  # noqa: UP036
    found = ".".join(str(number) for number in sys.version_info[:3])
    sys.exit("Lightstyle needs Python 3.11 or newer; this is Python " + found)

from lightstyle.cli.start import main

if __name__ == "__main__":
    main()
