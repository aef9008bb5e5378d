"""The command ``lightstyle texture``: a picture from its style alone."""

import re
from typing import Annotated

import typer

from ..errors import UsageError
from ..settings.fields import FIELDS
from ..settings.settings import Settings
from . import paths
from .help import command
from .options import Output, RunOptions, Styles, takes
from .run import make


@command
@takes("texture")
def texture(
    style: Styles,
    output: Output = None,
    size: Annotated[
        str | None,
        typer.Option(
            metavar="WIDTHxHEIGHT",
            help="Size of the texture; by default that of the picture of --like.",
            rich_help_panel=FIELDS["size"].group,
        ),
    ] = None,
    *,
    settings: Settings,
    options: RunOptions,
) -> None:
    """Make a texture from a style alone.

    Starts from noise and finds a picture with the style of STYLE, or of a blend of
    several, without any content.

    Examples:
        lightstyle texture painting.jpg --size 512x384
        lightstyle texture painting.jpg --size 512x512 --style-loss gaussian -o out.png
    """
    if size is not None:
        width_and_height = _parse_size(size)
    elif options.like is not None:
        width_and_height = options.like.record.size
    else:
        raise UsageError("a texture needs a size: --size WIDTHxHEIGHT")
    given = {"style": style, "size": width_and_height}
    name = f"{paths.stem(style[0])}-texture"
    make("texture", given, output, name, settings, options)


def _parse_size(text: str) -> tuple[int, int]:
    sides = re.fullmatch(r"(\d{1,18})x(\d{1,18})", text.lower())
    if sides is None:
        raise UsageError(
            f"--size {text}: a texture needs WIDTHxHEIGHT, such as 512x384"
        )
    return int(sides[1]), int(sides[2])
