"""Where exported models are kept, and what the default ones are called.

The exporter writes there, and the run time looks there.
"""

import os
from pathlib import Path
from typing import Final

import platformdirs

#: Environment variable that moves the folder of `cache_folder`.
CACHE_VARIABLE: Final = "LIGHTSTYLE_CACHE"

#: The folder of `cache_folder` where the user has no home: none can ever be there.
NOWHERE: Final = Path(os.devnull, "lightstyle")

#: Name of the model that is used when none is given and it is there, and of the one
#: that comes with the package.
DEFAULT_MODEL: Final = "vgg19"
BUNDLED_MODEL: Final = "vgg19-lite"


def cache_folder() -> Path:
    """Return the folder of exported models, by default in the user's cache folder.

    A user without a home has none: the folder is then `NOWHERE`.
    """
    if named := os.environ.get(CACHE_VARIABLE):
        return Path(named)
    try:
        folder = platformdirs.user_cache_path("lightstyle")
    except RuntimeError:
        return NOWHERE
    return folder if folder.is_absolute() else NOWHERE
