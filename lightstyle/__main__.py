"""``python -m lightstyle``."""

from .cli import main

main()
