"""``python -m export`` in a checkout, ``python -m lightstyle.export`` elsewhere."""

from . import main

main()
