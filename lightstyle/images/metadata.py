"""Writes and reads the text that a picture file carries as metadata.

It is in an iTXt chunk of PNG with our own keyword, in ImageDescription of TIFF, and in
EXIF's UserComment of JPEG and WebP, which viewers do not show as a caption. BMP has no
place for it. The text is ASCII, which no format and no tool changes. What is known of
the photo goes into EXIF data, and into the fields of TIFF.
"""

from collections.abc import Iterator
from contextlib import suppress
from typing import Any, Final

from PIL import ExifTags, Image, PngImagePlugin

from . import photo_tags
from .photo_tags import NO_TAGS, PhotoTags
from .picture_file import opened

#: Keyword of the PNG chunk.
KEYWORD: Final = "lightstyle"

#: Tag of the TIFF field ImageDescription.
DESCRIPTION: Final = 270

#: Longest text that is written (it must fit into a JPEG segment), and that is read.
LONGEST: Final = 60_000
_LONGEST_READ: Final = 1_000_000

#: Most bytes of EXIF data in a JPEG.
_LONGEST_EXIF: Final = 65_533

_PREFIX: Final = b"ASCII\0\0\0"


def options(
    format_: str, text: str | None, tags: PhotoTags = NO_TAGS
) -> dict[str, Any]:
    """Return Pillow's options that save metadata in a file of `format_`.

    Args:
        format_: Pillow's name of it; TIFF cannot have `tags` in this way.
        text: ASCII text, if any.
        tags: What to say of the photo.
    """
    made: dict[str, Any] = {}
    if tags.dpi is not None and format_ != "WEBP":
        made["dpi"] = tags.dpi
    if format_ == "PNG":
        if text is not None:
            made["pnginfo"] = PngImagePlugin.PngInfo()
            made["pnginfo"].add_itxt(KEYWORD, text)
        if data := exif(None, tags):
            made["exif"] = data
    elif format_ == "TIFF":
        made["tiffinfo"] = {} if text is None else {DESCRIPTION: text}
    elif format_ in ("JPEG", "WEBP"):
        data = exif(text, tags)
        if len(data) > _LONGEST_EXIF:
            data = exif(text)
        if data:
            made["exif"] = data
    return made


def exif(text: str | None, tags: PhotoTags = NO_TAGS) -> bytes:
    """Return EXIF data, as stored in a JPEG; empty if there is nothing to say.

    Args:
        text: ASCII text, if any.
        tags: What to say of the photo.
    """
    if text is None and tags == NO_TAGS:
        return b""
    data = Image.Exif()
    photo_tags.add_to(data, tags)
    if text is not None:
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
