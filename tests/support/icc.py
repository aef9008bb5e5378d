"""ICC profiles of other colour spaces than sRGB."""

import struct
from typing import Final

from lightstyle.images.encoding import srgb_profile

#: Red, green and blue of Display P3 in XYZ, adapted to D50.
_DISPLAY_P3: Final = {
    b"rXYZ": (0.51512, 0.24120, -0.00105),
    b"gXYZ": (0.29198, 0.69225, 0.04189),
    b"bXYZ": (0.15710, 0.06657, 0.78407),
}


def display_p3() -> bytes:
    """The profile of sRGB with the primaries of a phone's camera."""
    profile = bytearray(srgb_profile())
    (count,) = struct.unpack_from(">I", profile, 128)
    for index in range(count):
        kind, offset, _ = struct.unpack_from(">4sII", profile, 132 + 12 * index)
        if kind in _DISPLAY_P3:
            fixed = [round(65536 * value) for value in _DISPLAY_P3[kind]]
            struct.pack_into(">3i", profile, offset + 8, *fixed)
    return bytes(profile)
