"""The command ``lightstyle content``: a picture from its content features alone."""

from typing import Final

from ..settings.settings import Settings
from ..transfer import stylize as transfer
from . import names
from .arguments import Content, Output
from .help import Command, new_app
from .options import RunOptions, takes
from .run import make

app = new_app()

_EXAMPLES: Final = """\
lightstyle content photo.jpg
lightstyle content photo.jpg --content-layers conv4_2 -o conv4_2.png"""


@app.command("content", cls=Command, epilog=_EXAMPLES)
@takes(Settings(), RunOptions())
def reconstruct(
    content: Content, output: Output = None, *, settings: Settings, options: RunOptions
) -> None:
    """Show what a layer keeps of a picture.

    Starts from noise and finds a picture with the same content features as CONTENT.
    """
    name = f"{names.stem(content)}-content"
    make(transfer.reconstruct, {"content": content}, output, name, settings, options)
