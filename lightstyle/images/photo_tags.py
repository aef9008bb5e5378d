"""Reads what a file says of the photo beside its pixels, and puts it into a result.

Resolution, date, camera, exposure, caption, author and copyright are kept by default;
the place, serial numbers and the camera's owner only where a person asks for them.
Everything else is dropped: previews and makers' notes show the old picture or say who
took it, the orientation is applied, and the colours are ours. Fields are listed one by
one, so that nothing unknown is passed on.
"""

import math
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field, replace
from numbers import Real
from typing import Any, Final

from PIL import ExifTags, Image
from PIL.ExifTags import Base

from ..settings.choices import Metadata

_MAIN: Final = (
    *(Base.ImageDescription, Base.Make, Base.Model, Base.DateTime),
    *(Base.Artist, Base.Copyright),
)
_EXIF: Final = (
    *(Base.ExposureTime, Base.FNumber, Base.ExposureProgram, Base.ISOSpeedRatings),
    *(Base.SensitivityType, Base.RecommendedExposureIndex, Base.ISOSpeed),
    *(Base.DateTimeOriginal, Base.DateTimeDigitized, Base.OffsetTime),
    *(Base.OffsetTimeOriginal, Base.OffsetTimeDigitized, Base.SubsecTime),
    *(Base.SubsecTimeOriginal, Base.SubsecTimeDigitized, Base.ShutterSpeedValue),
    *(Base.ApertureValue, Base.BrightnessValue, Base.ExposureBiasValue),
    *(Base.MaxApertureValue, Base.SubjectDistance, Base.MeteringMode),
    *(Base.LightSource, Base.Flash, Base.FocalLength, Base.ExposureMode),
    *(Base.WhiteBalance, Base.DigitalZoomRatio, Base.FocalLengthIn35mmFilm),
    *(Base.SceneCaptureType, Base.LensSpecification, Base.LensMake, Base.LensModel),
)

#: Fields that tell one camera, or its owner, from others.
_PERSONAL: Final = (
    *(Base.CameraOwnerName, Base.BodySerialNumber, Base.LensSerialNumber),
    Base.ImageUniqueID,
)

#: Texts of a PNG, by the field that they stand for.
_PNG_TEXTS: Final = {
    Base.Copyright: "Copyright",
    Base.Artist: "Author",
    Base.ImageDescription: "Description",
}

#: Most characters of a text, and most values of a field, that are kept.
_TEXT: Final = 800
_VALUES: Final = 16

_MOST_DPI: Final = 100_000

#: Start of a record, which a TIFF of ours has for a description.
_RECORD: Final = '{"lightstyle"'

Fields = Mapping[int, Any]


@dataclass(frozen=True)
class PhotoTags:
    """What a file says of its photo.

    Attributes:
        dpi: Pixels per inch across and down, if known.
        main: Fields of the first directory of EXIF data, by number.
        exif: Fields of the directory of the exposure.
        personal: More of these, which tell one camera or its owner from others.
        place: Fields of the directory of the place.
    """

    dpi: tuple[float, float] | None = None
    main: Fields = field(default_factory=dict)
    exif: Fields = field(default_factory=dict)
    personal: Fields = field(default_factory=dict)
    place: Fields = field(default_factory=dict)

    def chosen(self, choice: str) -> "PhotoTags":
        """Return what a result may say, by a word of `Metadata`."""
        if choice == Metadata.KEEP:
            return replace(self, exif={**self.exif, **self.personal}, personal={})
        if choice == Metadata.PRIVATE:
            return replace(self, personal={}, place={})
        return NO_TAGS

    def turned(self) -> "PhotoTags":
        """Return the tags of the picture after a quarter turn."""
        return replace(self, dpi=self.dpi and self.dpi[::-1])


#: What is said of a picture of which nothing is known.
NO_TAGS: Final = PhotoTags()


def read(image: Image.Image) -> PhotoTags:
    """Read the tags of a decoded picture; those that are damaged count as missing."""
    main: dict[int, Any] = {}
    exif: Fields = {}
    personal: Fields = {}
    place: Fields = {}
    fields: Any = {}
    with suppress(Exception):
        fields = image.getexif()
        main = dict(_kept(fields, _MAIN))
        inner = fields.get_ifd(ExifTags.IFD.Exif)
        exif, personal = dict(_kept(inner, _EXIF)), dict(_kept(inner, _PERSONAL))
        place = dict(_kept(fields.get_ifd(ExifTags.IFD.GPSInfo), [*ExifTags.GPS]))
    for tag, keyword in _PNG_TEXTS.items():
        text = image.info.get(keyword)
        if image.format == "PNG" and tag not in main and isinstance(text, str):
            # As EXIF data have it, which Pillow decodes byte by byte.
            main |= _kept({tag: text.encode().decode("latin-1")}, (tag,))
    if str(main.get(Base.ImageDescription, "")).startswith(_RECORD):
        del main[Base.ImageDescription]
    return PhotoTags(_dpi(image, fields), main, exif, personal, place)


def add_to(data: Image.Exif, tags: PhotoTags, *, description: bool = True) -> None:
    """Put tags into EXIF data.

    Args:
        data: The EXIF data.
        tags: What they are to say; the resolution only where it was read.
        description: Whether the field of the caption is free.
    """
    for tag, value in tags.main.items():
        if description or tag != Base.ImageDescription:
            data[tag] = _encoded(value)
    if tags.dpi is not None:
        data[Base.XResolution], data[Base.YResolution] = tags.dpi
        data[Base.ResolutionUnit] = 2  # inch
    if tags.exif:
        data.get_ifd(ExifTags.IFD.Exif).update(tags.exif)
    if tags.place:
        data.get_ifd(ExifTags.IFD.GPSInfo).update(tags.place)


def directories(tags: PhotoTags) -> dict[int, Any]:
    """Return the fields and inner directories that a TIFF has, but the resolution."""
    fields = {tag: _encoded(value) for tag, value in tags.main.items()}
    fields.pop(Base.ImageDescription, None)
    if tags.exif:
        fields[ExifTags.IFD.Exif] = dict(tags.exif)
    if tags.place:
        fields[ExifTags.IFD.GPSInfo] = dict(tags.place)
    return fields


def _kept(fields: Any, tags: Any) -> Iterator[tuple[int, Any]]:
    """Yield those of `fields` that are listed and can be written again."""
    for tag in map(int, tags):
        value = fields.get(tag)
        if isinstance(value, str):
            value = value.split("\0")[0].strip()[:_TEXT]
        if value not in (None, "", ()) and _is_writable(tag, value):
            yield tag, value


def _is_writable(tag: int, value: Any) -> bool:
    values = value if isinstance(value, tuple) else (value,)
    if len(values) > _VALUES or not all(map(_is_plain, values)):
        return False
    try:
        probe = Image.Exif()
        probe[tag] = _encoded(value)
        probe.tobytes()
    except Exception:
        return False
    return True


def _is_plain(value: Any) -> bool:
    """Whether a value is a short text, a few bytes or a number."""
    if isinstance(value, str | bytes):
        return len(value) <= _TEXT
    return isinstance(value, Real) and math.isfinite(value)


def _encoded(value: Any) -> Any:
    """Return a text as the bytes that it was read from."""
    return value.encode("latin-1", "replace") if isinstance(value, str) else value


def _dpi(image: Image.Image, fields: Any) -> tuple[float, float] | None:
    found: Any = image.info.get("dpi")
    if found is None and fields.get(Base.ResolutionUnit, 2) in (2, 3):
        inch = 2.54 if fields.get(Base.ResolutionUnit) == 3 else 1.0
        with suppress(TypeError, ValueError, ArithmeticError):
            across, down = (fields.get(t) for t in (Base.XResolution, Base.YResolution))
            found = float(across) * inch, float(down) * inch
    with suppress(TypeError, ValueError, ArithmeticError):
        across, down = (float(side) for side in found)
        if all(0 < side <= _MOST_DPI for side in (across, down)):
            return round(across, 3), round(down, 3)
    return None
