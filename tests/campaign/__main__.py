"""``python -m tests.campaign``: draws cases until the time is over, and reports."""

import argparse
import os
import sys
import tempfile
from pathlib import Path


def main() -> int:
    """Run a campaign, or replay findings; return 1 if anything was found."""
    parser = argparse.ArgumentParser("python -m tests.campaign", description=__doc__)
    parser.add_argument("--minutes", type=float, default=1.0)
    parser.add_argument("--only", metavar="KIND")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--replay", metavar="FILE", type=Path, nargs="+")
    options = parser.parse_args()
    saved = [path.resolve() for path in options.replay or ()]
    # NumPy and ONNX Runtime read these when they are imported, which `run` does.
    os.environ |= {"OPENBLAS_NUM_THREADS": "1", "ORT_DISABLE_TELEMETRY": "1"}
    os.environ |= {"LIGHTSTYLE_OFFLINE": "1", "LIGHTSTYLE_MODEL": "quick.onnx"}
    from .run import Campaign

    with tempfile.TemporaryDirectory(prefix="lightstyle-campaign-") as folder:
        # Two folders deep, so that what names a parent stays within.
        root = Path(folder).resolve() / "parent" / "stage"
        root.mkdir(parents=True)
        campaign = Campaign(root, options.only)
        if saved:
            return campaign.replay(saved)
        return campaign.run(60 * options.minutes, options.seed)


sys.exit(main())
