"""Draws the two pictures of `lightstyle demo`, so that they carry nobody's copyright.

    python models/draw_demo.py [--out FOLDER]

They are a scene with depth (scene.jpg) and a painting with texture (painting.jpg), both
computed from seeds alone. It takes about a minute.
"""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

if __name__ == "__main__":
    # Run as a script, python looks for modules in the folder of the script, not in the
    # checkout that holds it.
    sys.path[0] = str(Path(__file__).resolve().parent.parent)

from models.draw_painting import painting
from models.draw_scene import scene


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line and return the exit code."""
    summary, _, about = (__doc__ or "").partition("\n\n")
    raw = argparse.RawDescriptionHelpFormatter
    parser = argparse.ArgumentParser(
        description=summary, epilog=about, formatter_class=raw
    )
    demo = Path(__file__).resolve().parent.parent / "lightstyle" / "demo"
    parser.add_argument("--out", type=Path, default=demo, metavar="FOLDER")
    folder: Path = parser.parse_args(arguments).out
    folder.mkdir(parents=True, exist_ok=True)
    for name, draw in (("scene", scene), ("painting", painting)):
        draw().save(folder / f"{name}.jpg", quality=92, optimize=True)
        print(folder / f"{name}.jpg")
    return 0


if __name__ == "__main__":
    sys.exit(main())
