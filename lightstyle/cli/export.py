"""The command ``lightstyle export``, which the exporter carries out."""

import typer
from typer.main import get_command

from ..errors import UsageError
from ..zoo import registry
from .console import show
from .help import new_app

app = new_app()

_HELP = ("-h", "--help")


@app.command(
    "export",
    context_settings={
        "allow_extra_args": True,
        "ignore_unknown_options": True,
        "help_option_names": [],
    },
)
def run(context: typer.Context) -> None:
    """Build a model from a file of VGG19 weights."""
    module = registry.exporter()
    if module is not None:
        raise typer.Exit(module.main(context.args))
    if set(_HELP) & set(context.args):
        show(
            "lightstyle export builds a model from a file of VGG19 weights, which the "
            f"exporter does: {registry.EXTRA}"
        )
        raise typer.Exit
    raise UsageError(f"the exporter is not installed: {registry.EXTRA}")


export = get_command(app)
