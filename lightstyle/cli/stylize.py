"""The command ``lightstyle stylize``: one picture in the style of another."""

from typing import Final

from ..settings.settings import Settings
from ..transfer import stylize as transfer
from . import checks, names
from .arguments import Content, Output, Styles
from .help import Command, new_app
from .options import RunOptions, takes
from .run import make

app = new_app()

_EXAMPLES: Final = """\
lightstyle stylize photo.jpg painting.jpg
lightstyle stylize photo.jpg painting.jpg -o out.png --size 1024 --color content-chroma
lightstyle stylize photo.jpg one.jpg two.jpg --blend 3,1"""


@app.command(cls=Command, epilog=_EXAMPLES)
@takes(Settings(), RunOptions())
def stylize(
    content: Content,
    style: Styles,
    output: Output = None,
    *,
    settings: Settings,
    options: RunOptions,
) -> None:
    """Paint a picture in the style of another.

    The result has the content of CONTENT and the style of STYLE, or of a blend of
    several. Without -o it lies beside CONTENT, as in photo-painting.png.
    """
    checks.check_styles(content, style, settings, options)
    pictures = {"content": content, "style": style}
    name = names.joined(content, style)
    make(transfer.stylize, pictures, output, name, settings, options)
