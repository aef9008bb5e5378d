"""Launcher for a checkout: ``python cli.py stylize …`` without installing anything."""

from lightstyle.cli.app import main

if __name__ == "__main__":
    main()
