"""Makes the bundled model: VGG19 narrowed in closed form, then distilled.

    python models/distill.py VGG19 PICTURES WORK

VGG19 is a file of weights that the exporter reads, PICTURES a folder of pictures of one
size, WORK a folder for cache, checkpoint and result. The narrow network starts from the
closed form of export/reduce.py. Each step trains it on two pictures: one of the folder,
and one from an optimisation with the current network. The result is the running average
of its weights, WORK/model.npz, rewritten with every checkpoint. The step size falls to
0 towards the last step.

All random choices come from the seed. The same command continues from the checkpoint in
WORK; the number of steps may differ as long as the step size has not begun to fall.
Needs the extra `distill` (PyTorch).
"""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from PIL import Image

if __name__ == "__main__":
    # Run as a script, python looks for modules in the folder of the script, not in the
    # checkout that holds it.
    sys.path[0] = str(Path(__file__).resolve().parent.parent)

from export.errors import ExportError


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line and return the exit code."""
    parser = _parser()
    options = parser.parse_args(arguments)
    try:
        # Imported here, so that --help works without PyTorch.
        from models.training import Training
    except ModuleNotFoundError as error:
        hint = "install the extra `distill`: pip install -e .[distill]"
        print(f"distill: {error.name} is missing; {hint}", file=sys.stderr)
        return 1
    try:
        paths = _pictures(options.pictures, options.hold_out)
        options.work.mkdir(parents=True, exist_ok=True)
        Training(options.weights, paths, options.work, options.seed).run(options.steps)
    except (ExportError, OSError) as error:
        print(f"distill: {error}", file=sys.stderr)
        return 1
    return 0


def _pictures(folder: Path, hold_out: Sequence[str]) -> list[Path]:
    """Return the pictures of `folder`, sorted by name, without those held out."""
    found = sorted(p for p in folder.iterdir() if p.suffix in {".jpg", ".png"})
    stems = {path.stem for path in found}
    if unknown := [name for name in hold_out if name not in stems]:
        raise ExportError(f"--hold-out {unknown[0]}: {folder} has no such picture")
    kept = [path for path in found if path.stem not in hold_out]
    if not kept:
        raise ExportError(f"{folder} has no .jpg or .png files to learn from")
    sizes = {path: _size(path) for path in kept}
    for path, size in sizes.items():
        if size != sizes[kept[0]]:
            width, height = sizes[kept[0]]
            raise ExportError(
                f"{path} has {size[0]} × {size[1]} pixels, expected {width} × {height} "
                f"as {kept[0].name}: crop the pictures to one size"
            )
    return kept


def _size(path: Path) -> tuple[int, int]:
    with Image.open(path) as image:
        return image.size


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        "distill.py",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("weights", type=Path, help="file of VGG19 weights")
    parser.add_argument("pictures", type=Path, help="folder of .jpg or .png files")
    parser.add_argument("work", type=Path, help="folder for cache, checkpoint, result")
    parser.add_argument("--steps", type=int, default=4000, help="default: %(default)s")
    parser.add_argument("--seed", type=int, default=1, help="default: %(default)s")
    parser.add_argument(
        "--hold-out",
        nargs="*",
        default=[],
        metavar="NAME",
        help="names, without suffix, of pictures to leave out of training",
    )
    return parser


if __name__ == "__main__":
    sys.exit(main())
