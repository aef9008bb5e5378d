"""What all commands have in common: the look of their help, and ``--debug``."""

import inspect
from collections.abc import Callable
from textwrap import dedent, indent
from typing import Any, Final

import typer
from typer.core import TyperCommand
from typer.main import get_command

#: An option of every command, and its help.
_DEBUG: Final = ("--debug", "Print the traceback of an error.")

_GENERAL: Final = "General"


def new_app(**settings: Any) -> typer.Typer:
    """Create an empty Typer application with the look of ours."""
    return typer.Typer(
        add_completion=False,
        pretty_exceptions_enable=False,
        rich_markup_mode=None,
        **settings,
    )


def command(function: Callable[..., None]) -> Any:
    """Decorate a function that is a command; it becomes what Typer runs."""
    app = new_app()
    app.command(cls=Command)(function)
    return get_command(app)


class Command(TyperCommand):
    """A command that shows its options in groups, and its examples at the end.

    The group of an option is its ``rich_help_panel``. The examples are the section
    ``Examples:`` of the docstring, with which it ends.
    """

    def __init__(self, *arguments: Any, help: str, **settings: Any) -> None:
        """Take the examples out of the help."""
        text, _, examples = inspect.cleandoc(help).partition("\n\nExamples:\n")
        settings |= {"help": text, "epilog": dedent(examples)}
        super().__init__(*arguments, **settings)

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Parse the arguments, but for ``--debug``, which `app.main` looks for."""
        return super().parse_args(ctx, [each for each in args if each != _DEBUG[0]])

    def format_options(self, ctx: Any, formatter: Any) -> None:
        """Write each group of options under its name."""
        groups: dict[str, list[tuple[str, str]]] = {}
        for param in self.get_params(ctx):
            groups.setdefault(_group(param), []).append(_row(param, ctx))
        groups[_GENERAL].append(_DEBUG)
        width = max(len(name) for rows in groups.values() for name, _ in rows)
        for title, rows in groups.items():
            with formatter.section(title):
                formatter.write_dl([(name.ljust(width), text) for name, text in rows])

    def collect_usage_pieces(self, ctx: Any) -> list[str]:
        """Return the parts of the usage line after the name of the command."""
        arguments = [p for p in self.get_params(ctx) if _is_argument(p)]
        return ["[OPTIONS]", *(str(p.metavar) for p in arguments)]

    def format_epilog(self, ctx: Any, formatter: Any) -> None:
        """Write the examples, unwrapped so that they can be copied."""
        if self.epilog:
            with formatter.section("Examples"):
                formatter.write(indent(f"{self.epilog}\n", "  "))


def _is_argument(param: Any) -> bool:
    return bool(param.param_type_name == "argument")


def _group(param: Any) -> str:
    if _is_argument(param):
        return "Arguments"
    return getattr(param, "rich_help_panel", None) or _GENERAL


def _row(param: Any, ctx: Any) -> tuple[str, str]:
    """Return a parameter's name and its help."""
    if _is_argument(param):
        return param.metavar.strip("[]"), param.help
    name, text = param.get_help_record(ctx)
    return name, text
