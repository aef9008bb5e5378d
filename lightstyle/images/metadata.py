"""Writes and reads the text that a picture file carries as metadata.

It is in an iTXt chunk of PNG with our own keyword, in ImageDescription of TIFF, and in
EXIF's UserComment of JPEG and WebP, which viewers do not show as a caption. BMP has no
place for it. The text is ASCII, which no format and no tool changes.
"""

from collections.abc import Iterator
from contextlib import suppress
from typing import Any, Final

from PIL import ExifTags, Image, PngImagePlugin

from .picture_file import opened

#: Keyword of the PNG chunk.
KEYWORD: Final = "lightstyle"

#: Tag of the TIFF field ImageDescription.
DESCRIPTION: Final = 270

#: Longest text that is written (it must fit into a JPEG segment), and that is read.
LONGEST: Final = 60_000
_LONGEST_READ: Final = 1_000_000

_PREFIX: Final = b"ASCII\0\0\0"


def options(format_: str, text: str) -> dict[str, Any]:
    """Return Pillow's options that save the ASCII `text` in a file of `format_`."""
    if format_ == "PNG":
        chunks = PngImagePlugin.PngInfo()
        chunks.add_itxt(KEYWORD, text)
        return {"pnginfo": chunks}
    if format_ == "TIFF":
        return {"tiffinfo": {DESCRIPTION: text}}
    return {"exif": exif(text)} if format_ in ("JPEG", "WEBP") else {}


def exif(text: str) -> bytes:
    """Return EXIF data with the ASCII `text`, as stored in a JPEG."""
    data = Image.Exif()
    comment = _PREFIX + text.encode("ascii")
    data.get_ifd(ExifTags.IFD.Exif)[ExifTags.Base.UserComment] = comment
    return data.tobytes()


def texts(data: bytes, name: str) -> list[str]:
    """Return texts that may be ours; other programs use the same fields.

    Args:
        data: The whole file.
        name: What an error message calls it.

    Raises:
        ImageError: If it is not a picture.
    """
    with opened(data, name) as image:
        return [text for text in _found(image) if len(text) <= _LONGEST_READ]


def _found(image: Image.Image) -> Iterator[str]:
    if image.format == "PNG":  # Pillow would decode the pixels to find EXIF data
        text = image.info.get(KEYWORD)
        if isinstance(text, str):
            yield str(text)
        return
    with suppress(Exception):  # damaged EXIF data counts as none
        fields = image.getexif()
        for value in (
            fields.get_ifd(ExifTags.IFD.Exif).get(ExifTags.Base.UserComment),
            fields.get(DESCRIPTION),
        ):
            if isinstance(value, bytes):
                value = value.removeprefix(_PREFIX).decode("ascii", "replace")
            if isinstance(value, str):
                yield value
