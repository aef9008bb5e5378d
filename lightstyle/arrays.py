"""Types of the arrays that pass from package to package."""

from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

#: Pixels, features, masks: float32, of the shape that the name's suffix says.
Array = NDArray[np.float32]

#: A flat array, float32 or float64: pixels as an optimiser sees them.
Vector = NDArray[Any]

#: Least and greatest value of a pixel, in grey levels.
PIXEL_RANGE: Final = (0.0, 255.0)

#: An array of any shape, float32, or float64 where sums are exact.
FloatArray = NDArray[Any]

#: Width and height, in pixels.
Size = tuple[int, int]
