"""The command ``lightstyle demo``: a first picture without any of one's own."""

from dataclasses import replace
from pathlib import Path
from typing import Final

from ..contract import BUNDLED_MODEL
from ..settings.settings import DEMO
from ..transfer import stylize as transfer
from .arguments import Output
from .help import Command, new_app
from .options import RunOptions, takes
from .run import make

app = new_app()

_PICTURES: Final = Path(__file__).parents[1] / "demo"

_EXAMPLES: Final = """\
lightstyle demo
lightstyle demo -o first.png --timelapse first.webp"""


@app.command(cls=Command, epilog=_EXAMPLES)
@takes(RunOptions(), without={"model", "like", "config"})
def demo(output: Output = None, *, options: RunOptions) -> None:
    """Paint a bundled picture with the bundled model.

    Both pictures and the model come with the package. Without -o the result is
    lightstyle-demo.png in the current folder.
    """
    pictures = {
        "content": _PICTURES / "scene.jpg",
        "style": _PICTURES / "painting.jpg",
    }
    bundled = replace(options, model=BUNDLED_MODEL)
    name = "lightstyle-demo"
    make(transfer.stylize, pictures, output or Path(), name, DEMO, bundled)
