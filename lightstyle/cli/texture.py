"""The command ``lightstyle texture``: a picture from its style alone."""

from typing import Annotated, Final

import typer

from ..errors import UsageError
from ..settings.settings import Settings
from ..transfer import stylize as transfer
from . import names
from .arguments import Output, Styles
from .help import Command, new_app
from .options import RunOptions, takes
from .run import make

app = new_app()

_EXAMPLES: Final = """\
lightstyle texture painting.jpg --size 512x384
lightstyle texture painting.jpg --size 512x512 --style-loss gaussian -o texture.png"""


@app.command(cls=Command, epilog=_EXAMPLES)
@takes(Settings(), RunOptions())
def texture(
    style: Styles,
    output: Output = None,
    size: Annotated[
        str | None,
        typer.Option(
            metavar="WIDTHxHEIGHT",
            help="Size of the texture; by default that of the picture of --like.",
        ),
    ] = None,
    *,
    settings: Settings,
    options: RunOptions,
) -> None:
    """Make a texture from a style alone.

    Starts from noise and finds a picture with the style of STYLE, or of a blend of
    several, without any content.
    """
    if size is None and options.like is not None:
        width_and_height = options.like.record.size
    else:
        width_and_height = _parse_size(size)
    given = {"style": style, "size": width_and_height}
    name = f"{names.stem(style[0])}-texture"
    make(transfer.texture, given, output, name, settings, options)


def _parse_size(text: str | None) -> tuple[int, int]:
    if text is None:
        raise UsageError("a texture needs a size: --size WIDTHxHEIGHT")
    width, _, height = text.lower().partition("x")
    if not (width.isdecimal() and height.isdecimal()):
        raise UsageError(
            f"--size {text}: a texture needs WIDTHxHEIGHT, such as 512x384"
        )
    return int(width), int(height)
