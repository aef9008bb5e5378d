"""``python -m export`` in a checkout, ``python -m lightstyle.export`` elsewhere."""

import sys

from . import main

sys.exit(main(sys.argv[1:]))
