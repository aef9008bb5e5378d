"""``python -m lightstyle``."""

from .cli.app import main

main()
