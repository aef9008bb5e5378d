"""Where the command line begins: signals are heard before anything is imported."""

from ..signals import raising


def main() -> None:
    """Run the command line and exit."""
    with raising():
        from .app import main as run

        run()
