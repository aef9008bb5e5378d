"""``python -m tests.benchmarks.identity``: does a picture in its own style come back?

The content is the style as well, with the default settings at 256 px. Its loss is 0, so
what is saved should be the content, to 30 dB or more. From the content, which is the
default, this shows that nothing on the way changes a picture that is perfect already.
From noise it shows how much of a picture the loss alone determines; there is no bound
to meet, as many pictures share their features of conv5_2 and their Gram matrices.
"""

import argparse
from dataclasses import replace
from pathlib import Path

from lightstyle import Settings, stylize
from lightstyle.quality.judge import Judge
from lightstyle.zoo import registry
from tests.benchmarks.share import PAIRS

SETTINGS = Settings(size=256)
STARTS = ("content", "noise")


def main() -> None:
    """Print a table."""
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks.identity")
    parser.add_argument("--images", type=Path, required=True)
    parser.add_argument("--model")
    parser.add_argument("--iterations", type=int, default=SETTINGS.iterations)
    options = parser.parse_args()
    settings = replace(SETTINGS, iterations=options.iterations)
    model = registry.load(options.model, settings)
    print(
        "| picture | start | evaluations | PSNR, dB | SSIM | CFSD |\n"
        + "|---" * 6
        + "|"
    )
    for name, _ in PAIRS[:3]:
        picture = options.images / name
        judge = Judge(picture, None, model=model, size=settings.size)
        for start in STARTS:
            chosen = replace(settings, init=start)
            made = stylize(picture, picture, model=model, settings=chosen)
            found = judge.judge(made.to_pil())
            print(
                f"| {picture.stem} | {start} | {made.evaluations} | {found.psnr:.1f} | "
                f"{found.ssim:.3f} | {found.cfsd:.3f} |",
                flush=True,
            )


if __name__ == "__main__":
    main()
