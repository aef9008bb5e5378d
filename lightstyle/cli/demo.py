"""The command ``lightstyle demo``: a first picture without any of one's own."""

from dataclasses import replace
from pathlib import Path
from typing import Final

from ..model_folder import BUNDLED_MODEL
from ..settings.choices import Metadata
from ..settings.settings import DEMO
from .help import command
from .options import Output, RunOptions, takes
from .run import make

_PICTURES: Final = Path(__file__).parents[1] / "demo"


@command
@takes(without={"model", "like", "config"})
def demo(output: Output = None, *, options: RunOptions) -> None:
    """Paint a bundled picture with the bundled model.

    Both pictures and the model come with the package. Without -o the result is
    lightstyle-demo.png in the current folder.

    Examples:
        lightstyle demo
        lightstyle demo -o first.png --timelapse first.webp
    """
    given = {"content": _PICTURES / "scene.jpg", "style": _PICTURES / "painting.jpg"}
    bundled = replace(options, model=BUNDLED_MODEL)
    told = {"metadata": Metadata.NONE} if options.no_metadata else {}
    settings = DEMO.changed(told)
    make("stylize", given, output or Path(), "lightstyle-demo", settings, bundled)
