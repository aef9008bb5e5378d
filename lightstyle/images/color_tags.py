"""Finds what a file says of its colours where it has no ICC profile.

PNG has cICP, sRGB, gAMA and cHRM; AVIF has nclx; JPEG, TIFF, WebP and others have EXIF
data or TIFF fields; BMP has fields in its header. A space that is sRGB, or nearly, is
none: its colours stay exactly as they are.
"""

import struct
from collections.abc import Callable, Mapping
from typing import Any, Final, cast

import numpy as np
from PIL import ExifTags, Image

from . import color_space, embedded_profiles
from .color_space import ADOBE_GAMMA, ADOBE_RGB, D65, SRGB, Chromaticities, RGBSpace

#: What files say of colours that cannot be converted.
UNUSABLE: Final = "unusable colour data: colours taken as sRGB"

#: Primaries and white by their number in ITU-T H.273. 2 means that nobody knows.
_PRIMARIES: Final[Mapping[int, Chromaticities]] = {
    1: SRGB,
    2: SRGB,
    4: (0.67, 0.33, 0.21, 0.71, 0.14, 0.08, 0.310, 0.316),
    5: (0.64, 0.33, 0.29, 0.60, 0.15, 0.06, *D65),
    6: (0.63, 0.34, 0.31, 0.595, 0.155, 0.07, *D65),
    7: (0.63, 0.34, 0.31, 0.595, 0.155, 0.07, *D65),
    8: (0.681, 0.319, 0.243, 0.692, 0.145, 0.049, 0.310, 0.316),
    9: (0.708, 0.292, 0.170, 0.797, 0.131, 0.046, *D65),
    11: (0.68, 0.32, 0.265, 0.69, 0.15, 0.06, 0.314, 0.351),
    12: (0.68, 0.32, 0.265, 0.69, 0.15, 0.06, *D65),
    22: (0.63, 0.34, 0.295, 0.605, 0.155, 0.077, *D65),
}

#: Curves by their number in H.273. Video's are shown with sRGB's, as browsers do.
#: Those that are left out are for more than white: PQ, HLG and such.
_CURVES: Final = {
    **dict.fromkeys((1, 2, 6, 13, 14, 15), color_space.srgb_curve),
    4: color_space.power(2.2),
    5: color_space.power(2.8),
    8: color_space.power(1.0),
}
#: sRGB, grey and YCbCr of it, by their number in JPEG 2000.
_JPEG_2000_SRGB: Final = (16, 17, 18)

_HIGH_RANGE: Final = {16: "PQ", 18: "HLG"}

#: Exponents near 2.2, with primaries near those of sRGB, mean sRGB: PNG says it so.
_USUAL: Final = (2.1, 2.3)

_WHITE, _PRIMARY, _TRANSFER, _COLOR_SPACE, _GAMMA = 318, 319, 301, 0xA001, 0xA500


def find(image: Image.Image, data: bytes, notes: list[str]) -> RGBSpace | None:
    """Return the colour space of a picture; None for sRGB, and for an ICC profile.

    Args:
        image: The picture as it was opened and loaded, before it is turned. If the file
            holds a profile that Pillow does not find, its `info` gets that.
        data: Its file; empty for a picture in memory.
        notes: Takes a note if the space cannot be converted.
    """
    profile = image.info.get("icc_profile")
    if not profile and (profile := embedded_profiles.find(image.format, data)):
        image.info["icc_profile"] = profile
    for source in (_coded, _png, _bmp, _jpeg_2000, _exif):
        # Only what a PNG says in cICP counts more than a profile.
        if profile and (source is not _coded or image.format != "PNG"):
            return None
        try:
            found = source(image, data)
        except (ValueError, TypeError, ArithmeticError, struct.error) as error:
            if not profile:
                words = str(error) if isinstance(error, _UnknownError) else UNUSABLE
                notes.append(words)
                return None
            continue
        if found is not None:
            image.info.pop("icc_profile", None)
            return None if found.is_srgb else found
    return None


class _UnknownError(ValueError):
    """A colour space that cannot be converted, in words for the user."""


def _coded(image: Image.Image, data: bytes) -> RGBSpace | None:
    """Read the numbers of H.273 in a PNG or AVIF."""
    at = -1
    if image.format == "PNG":  # of four bytes, and before the pixels
        at = data.find(b"\0\0\0\4cICP", 0, data.find(b"IDAT"))
        numbers = data[at + 8 : at + 10]
    elif image.format in ("AVIF", "HEIF"):
        at = data.find(b"colrnclx")
        numbers = data[at + 9 : at + 10] + data[at + 11 : at + 12]
    if at < 0:
        return None
    primaries, curve = numbers
    if curve in _HIGH_RANGE:
        name = _HIGH_RANGE[curve]
        raise _UnknownError(f"colours of a high dynamic range ({name}): taken as sRGB")
    if primaries not in _PRIMARIES or curve not in _CURVES:
        raise _UnknownError(UNUSABLE)
    return RGBSpace.of(_CURVES[curve], _PRIMARIES[primaries])


def _png(image: Image.Image, data: bytes) -> RGBSpace | None:
    del data
    gamma, primaries = image.info.get("gamma"), image.info.get("chromaticity")
    if "srgb" in image.info:
        return RGBSpace.of(color_space.srgb_curve)
    if gamma is None and primaries is None:
        return None
    if gamma is not None and gamma <= 0:
        raise ValueError("no gamma")
    white_first = tuple(primaries or ())
    return _of(1 / gamma if gamma else None, (*white_first[2:], *white_first[:2]))


def _bmp(image: Image.Image, data: bytes) -> RGBSpace | None:
    """Read the fields of the header of version 4 or 5."""
    if image.format != "BMP" or len(data) < 122:
        return None
    size, kind = struct.unpack_from("<I", data, 14)[0], data[70:74]
    if size < 108 or kind in (b"BGRs", b" niW"):
        return None
    if kind != bytes(4):
        raise _UnknownError("colour profile in another file: colours taken as sRGB")
    ends = np.array(struct.unpack_from("<9i", data, 74)).reshape(3, 3)
    exponents = np.array(struct.unpack_from("<3I", data, 110)) / 65536
    sums = ends.sum(axis=1)
    if not sums.all() or not exponents.all():  # not filled in
        return None
    exponent = float(exponents.mean())
    points = (ends[:, :2] / sums[:, None]).ravel()
    return _of(exponent if exponent >= 1 else 1 / exponent, (*points, *D65))


def _jpeg_2000(image: Image.Image, data: bytes) -> RGBSpace | None:
    """Read the number of the colour space in a JP2."""
    at = -1
    if image.format == "JPEG2000" and image.mode.startswith("RGB"):
        at = data.find(b"colr", 0, max(0, data.find(b"jp2c")))
    if at >= 0 and data[at + 4] == 1:
        (number,) = struct.unpack_from(">I", data, at + 7)
        if number not in _JPEG_2000_SRGB:
            raise ValueError("another space")
    return None


def _exif(image: Image.Image, data: bytes) -> RGBSpace | None:
    """Read EXIF data and the fields of TIFF, which have the same form."""
    del data
    try:
        fields = image.getexif()
        more = fields.get_ifd(ExifTags.IFD.Exif)
        interop = ExifTags.IFD.Interop
        index = fields.get_ifd(interop).get(1) if interop in more else None
    except Exception:  # damaged: another note says so
        return None
    kind = more.get(_COLOR_SPACE)
    if kind == 1:
        return None
    if kind == 2 or (index is not None and str(index).startswith("R03")):
        return RGBSpace.of(color_space.power(ADOBE_GAMMA), ADOBE_RGB)
    curves = fields.get(_TRANSFER) if image.format == "TIFF" else None
    white, primaries = fields.get(_WHITE), fields.get(_PRIMARY)
    gamma = more.get(_GAMMA)
    if curves or (white and primaries) or gamma:
        points = tuple(map(float, (*(primaries or SRGB[:6]), *(white or D65))))
        space = _of(float(gamma) if gamma else None, points)
        return space if not curves else RGBSpace(_tables(curves), space.to_xyz)
    if kind == 0xFFFF:
        raise _UnknownError(
            "colours that are not sRGB, without a profile: taken as sRGB"
        )
    return None


def _of(exponent: float | None, points: tuple[float, ...]) -> RGBSpace:
    """Return the space with an exponent, or sRGB's curve, and primaries, or sRGB's."""
    if len(points) not in (0, 8):
        raise ValueError("no chromaticities")
    ends = cast("Chromaticities", points) if points else SRGB
    usual = exponent is None or _USUAL[0] <= exponent <= _USUAL[1]
    if usual and (exponent is None or np.allclose(ends, SRGB, atol=0.01)):
        return RGBSpace.of(color_space.srgb_curve, ends)
    return RGBSpace.of(color_space.power(cast("float", exponent)), ends)


def _tables(values: Any) -> list[Callable[[Any], Any]]:
    """Return the curves of TIFF's TransferFunction: one for all channels, or three."""
    tables = np.asarray(values, np.float64) / 65535
    count = 3 if len(tables) in (3 * 256, 3 * 65536) else 1
    return [color_space.table(each) for each in np.split(tables, count)] * (3 // count)
