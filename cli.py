"""Launcher for a checkout: ``python cli.py stylize …`` without installing anything."""

from lightstyle.cli import main

if __name__ == "__main__":
    main()
