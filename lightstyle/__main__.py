"""``python -m lightstyle``."""

from .cli.start import main

main()
