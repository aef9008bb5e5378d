"""The command ``lightstyle content``: a picture from its content features alone."""

from ..settings.settings import Settings
from . import paths
from .help import command
from .options import Content, Output, RunOptions, takes
from .run import make


@command
@takes("reconstruct")
def content(
    content: Content, output: Output = None, *, settings: Settings, options: RunOptions
) -> None:
    """Show what a layer keeps of a picture.

    Starts from noise and finds a picture with the same content features as CONTENT.

    Examples:
        lightstyle content photo.jpg
        lightstyle content photo.jpg --content-layers conv4_2 -o conv4_2.png
    """
    name = f"{paths.stem(content)}-content"
    make("reconstruct", {"content": content}, output, name, settings, options)
