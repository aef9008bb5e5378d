"""Types of the arrays that pass from package to package."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

#: Pixels, features, masks: float32, of the shape that the name's suffix says.
Array = NDArray[np.float32]

#: A flat array, float32 or float64: pixels as an optimiser sees them.
Vector = NDArray[Any]

#: Width and height, in pixels.
Size = tuple[int, int]
