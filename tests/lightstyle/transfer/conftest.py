from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from tests.support.transfers import Mask


@pytest.fixture
def mask(tmp_path: Path) -> Mask:
    """Writes a picture and says where."""

    def write(levels: Any) -> str:
        path = tmp_path / f"mask{len(list(tmp_path.iterdir()))}.png"
        Image.fromarray(np.asarray(levels, np.uint8)).save(path)
        return str(path)

    return write
