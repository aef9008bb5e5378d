"""The command ``lightstyle stylize``: one picture in the style of another."""

from ..settings.settings import Settings
from . import inputs, paths
from .help import command
from .options import Content, OnCluster, Output, RunOptions, Styles, takes
from .run import make


@command
@takes("stylize")
def stylize(
    content: Content,
    style: Styles,
    output: Output = None,
    cluster: OnCluster = None,
    *,
    settings: Settings,
    options: RunOptions,
) -> None:
    """Paint a picture in the style of another.

    The result has the content of CONTENT and the style of STYLE, or of a blend of
    several. Without -o it lies beside CONTENT, as in photo-painting.png.

    Examples:
        lightstyle stylize photo.jpg painting.jpg
        lightstyle stylize photo.jpg painting.jpg -o out.png --color content-chroma
        lightstyle stylize photo.jpg one.jpg two.jpg --blend 3,1
        lightstyle stylize photo.jpg painting.jpg --size 8192 --cluster auto
    """
    inputs.check_styles(content, style, settings, options)
    pictures = {"content": content, "style": style}
    name = paths.joined(content, style)
    make("stylize", pictures, output, name, settings, options, cluster=cluster)
