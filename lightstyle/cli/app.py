"""The command line: its commands, each loaded when it is called, and its errors.

``--help`` lists the commands without importing them, so that it answers at once.
"""

import sys
from collections.abc import Sequence
from difflib import get_close_matches
from importlib import import_module
from pathlib import Path
from typing import Annotated, Any, Final

import typer
from typer.core import TyperGroup
from typer.main import get_command

from ..contract import VERSION
from ..errors import ExitCode, Stopped, UsageError
from ..signals import stop_behind
from .console import fail, say, show
from .help import new_app
from .stdout import Stdout

#: Every command, in the module of its name, and what it does.
COMMANDS: Final = {
    "stylize": "Paint a picture in the style of another.",
    "sheet": "Try several settings side by side on one sheet.",
    "batch": "Paint every picture of a folder.",
    "serve": "Serve a page and an HTTP interface for jobs.",
    "page": "Write a page that paints in the visitor's browser.",
    "texture": "Make a texture from a style alone.",
    "content": "Show what a layer keeps of a picture.",
    "resume": "Continue a run from its checkpoint.",
    "compare": "Measure the quality of finished pictures.",
    "info": "Show the installation, or how a picture was made.",
    "models": "List, fetch and check models.",
    "export": "Build a model from a file of VGG19 weights.",
    "demo": "Paint a bundled picture with the bundled model.",
    "guide": "Read the guide in the terminal.",
}


class Commands(TyperGroup):
    """The group of all commands, which imports only the one that is called."""

    def list_commands(self, ctx: Any) -> list[str]:
        """Return the names of all commands."""
        return list(COMMANDS)

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        """Import a command.

        Raises:
            UsageError: There is no such command.
        """
        if cmd_name not in COMMANDS:
            near = get_close_matches(cmd_name, COMMANDS, 1)
            hint = f"did you mean {near[0]}?" if near else "see lightstyle --help"
            raise UsageError(f"there is no command {cmd_name}: {hint}")
        return getattr(import_module(f".{cmd_name}", __package__), cmd_name)

    def format_commands(self, ctx: Any, formatter: Any) -> None:
        """Write the table of commands."""
        with formatter.section("Commands"):
            formatter.write_dl([*COMMANDS.items()])

    def format_epilog(self, ctx: Any, formatter: Any) -> None:
        """Say where to read on."""
        formatter.write(
            "\nlightstyle COMMAND --help shows the options and examples of a command."
            "\nlightstyle guide lists pages on styles, colours, masks, memory and more."
            "\n"
        )


app = new_app(
    name="lightstyle", cls=Commands, context_settings={"max_content_width": 100}
)


def _version(asked: bool) -> None:
    if asked:
        show(f"lightstyle {VERSION}")
        raise typer.Exit


@app.callback()
def root(
    version: Annotated[
        bool,
        typer.Option(
            "--version", help="Print the version.", is_eager=True, callback=_version
        ),
    ] = False,
) -> None:
    """Neural style transfer on ONNX Runtime, without a training framework."""


def main(arguments: list[str] | None = None) -> None:
    """Run the command line and exit: one line for every error, and its exit code."""
    arguments = sys.argv[1:] if arguments is None else arguments
    debug = "--debug" in arguments
    if debug:
        from . import bug_report

        for line in bug_report.header(arguments):
            say(line)
    command = get_command(app)
    with Stdout() as stdout:
        try:
            code = command(arguments or ["--help"], "lightstyle", standalone_mode=False)
        except (Exception, KeyboardInterrupt, Stopped) as error:
            if debug:
                say(bug_report.traced(error))
            code = fail(_translated(error, arguments))
    if stdout.failure is not None:
        lost = fail(stdout.failure)
        code = code or lost
    sys.exit(int(code or ExitCode.OK))


def _is_nowhere() -> bool:
    """Whether the current folder was removed."""
    try:
        Path.cwd()
    except FileNotFoundError:
        return True
    return False


def _translated(error: BaseException, arguments: Sequence[str]) -> BaseException:
    """Return typer's usage errors, which have no public base, as ours.

    What a library made of a signal that came while it was busy is the signal.
    """
    if (stopped := stop_behind(error)) is not None:
        return stopped
    if isinstance(error, FileNotFoundError) and _is_nowhere():
        return UsageError("the current folder is gone: change to another one")
    if not hasattr(error, "format_message"):
        return error
    message = str(error.format_message()).rstrip(".")
    command = " ".join(["lightstyle", *(a for a in arguments[:1] if a in COMMANDS)])
    return UsageError(f"{message[:1].lower()}{message[1:]}; see {command} --help")
