"""A text that a picture file carries beside its pixels, and where each format has it.

PNG has an iTXt chunk of our own keyword, TIFF its field ImageDescription, JPEG and WebP
EXIF's UserComment, which viewers do not take for a caption. BMP has no place for it.
The text is ASCII, so that no format and no tool on the way has an opinion on it.
"""

from collections.abc import Iterator
from contextlib import suppress
from typing import Any, Final

from PIL import ExifTags, Image, PngImagePlugin

from .picture_file import opened

#: Of the chunk in a PNG.
KEYWORD: Final = "lightstyle"

#: Number of the field ImageDescription in a TIFF.
DESCRIPTION: Final = 270

#: Longest text that is written, which fits into a JPEG's segment; and that is read.
LONGEST: Final = 60_000
_LONGEST_READ: Final = 1_000_000

_PREFIX: Final = b"ASCII\0\0\0"


def options(format_: str, text: str) -> dict[str, Any]:
    """Pillow's options to save a picture of `format_` with the ASCII `text`."""
    if format_ == "PNG":
        chunks = PngImagePlugin.PngInfo()
        chunks.add_itxt(KEYWORD, text)
        return {"pnginfo": chunks}
    if format_ == "TIFF":
        return {"tiffinfo": {DESCRIPTION: text}}
    return {"exif": exif(text)} if format_ in ("JPEG", "WEBP") else {}


def exif(text: str) -> bytes:
    """EXIF data that hold the ASCII `text`, as they stand in a JPEG."""
    data = Image.Exif()
    comment = _PREFIX + text.encode("ascii")
    data.get_ifd(ExifTags.IFD.Exif)[ExifTags.Base.UserComment] = comment
    return data.tobytes()


def texts(data: bytes, name: str) -> list[str]:
    """Texts of a picture file that may be ours; other programs use the same places.

    Args:
        data: All of the file.
        name: What an error message calls it.

    Raises:
        ImageError: It is no picture.
    """
    with opened(data, name) as image:
        return [text for text in _found(image) if len(text) <= _LONGEST_READ]


def _found(image: Image.Image) -> Iterator[str]:
    if image.format == "PNG":  # to look for EXIF, Pillow would decode its pixels
        text = image.info.get(KEYWORD)
        if isinstance(text, str):
            yield str(text)
        return
    with suppress(Exception):  # damaged EXIF data are as good as none
        fields = image.getexif()
        for value in (
            fields.get_ifd(ExifTags.IFD.Exif).get(ExifTags.Base.UserComment),
            fields.get(DESCRIPTION),
        ):
            if isinstance(value, bytes):
                value = value.removeprefix(_PREFIX).decode("ascii", "replace")
            if isinstance(value, str):
                yield value
