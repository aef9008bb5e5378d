"""How ``--help`` looks: options in named groups, and examples at the end."""

from functools import cache
from typing import Any, Final

import typer
from typer.core import TyperCommand

_ARGUMENTS: Final = "Arguments"
_OTHERS: Final = "General"


@cache
def _groups() -> dict[str, tuple[str, ...]]:
    """Return options by the group that ``--help`` shows them in, in its order."""
    from ..settings.fields import FIELDS, option_of  # brings NumPy

    titles = dict.fromkeys(row.group for row in FIELDS.values())
    settings = {
        title: tuple(option_of(n) for n, row in FIELDS.items() if row.group == title)
        for title in titles
    }
    return {
        "Output": (
            *("output", "overwrite", "bits", "no-metadata", "save-every"),
            *("timelapse", "log"),
        ),
        "Many pictures": ("workers", "watch", "failures"),
        "Values to compare": ("vary",),
        **settings,
        "Settings from elsewhere": ("like", "config"),
        "Model, device and memory": ("model", "device", "threads", "memory", "dry-run"),
        "Interruptions": ("checkpoint", "checkpoint-every"),
    }


def new_app(**settings: Any) -> typer.Typer:
    """Create an empty Typer application with the look of ours."""
    return typer.Typer(
        add_completion=False,
        pretty_exceptions_enable=False,
        rich_markup_mode=None,
        **settings,
    )


class Command(TyperCommand):
    """A command whose help shows groups of options, and its epilog line by line."""

    def format_options(self, ctx: Any, formatter: Any) -> None:
        """Write each group of options under its name."""
        found = [(param, _record(param, ctx)) for param in self.get_params(ctx)]
        width = max(len(name) for _, (name, _) in found)
        for title in (_ARGUMENTS, *_groups(), _OTHERS):
            rows = [(n.ljust(width), h) for p, (n, h) in found if _group(p) == title]
            if rows:
                with formatter.section(title):
                    formatter.write_dl(rows)

    def collect_usage_pieces(self, ctx: Any) -> list[str]:
        """Return the parts of the usage line after the name of the command."""
        arguments = [p for p in self.get_params(ctx) if _is_argument(p)]
        return ["[OPTIONS]", *(str(p.metavar) for p in arguments)]

    def format_epilog(self, ctx: Any, formatter: Any) -> None:
        """Write the examples, unwrapped so that they can be copied."""
        if self.epilog:
            with formatter.section("Examples"):
                for line in self.epilog.splitlines():
                    formatter.write(f"  {line}\n")


def _is_argument(param: Any) -> bool:
    return bool(param.param_type_name == "argument")


def _record(param: Any, ctx: Any) -> tuple[str, str]:
    """Return a parameter's name and its help."""
    if _is_argument(param):
        return param.metavar.strip("[]"), param.help
    name, text = param.get_help_record(ctx)
    return name, text.replace("\\[", "[")  # typer 0.16 escapes it for rich


def _group(param: Any) -> str:
    if _is_argument(param):
        return _ARGUMENTS
    option = max(param.opts, key=len).removeprefix("--")
    found = (title for title, names in _groups().items() if option in names)
    return next(found, _OTHERS)
