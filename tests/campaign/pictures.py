"""Seeds: small pictures of every format and mode, masks, and maps of regions."""

import io
import struct
from collections.abc import Iterator
from contextlib import suppress
from typing import Any, Final

import numpy as np
from PIL import ExifTags, Image

from lightstyle.images import sixteen_bit
from lightstyle.images.encoding import srgb_profile
from tests.support.networks import image
from tests.support.picture_files import encoded, exif

from .rare_pictures import rare_pictures

#: Height and width of the content.
HEIGHT, WIDTH = 33, 36

CONTENT: Final = image(HEIGHT, WIDTH, 1)
STYLE: Final = image(34, 40, 2)

_MODES: Final = (
    *("1", "L", "LA", "P", "PA", "RGB", "RGBA", "RGBX", "CMYK", "YCbCr", "LAB", "HSV"),
    *("I", "F", "I;16", "I;16B", "La", "RGBa"),
)

#: Formats that are read, and some that are refused.
_FORMATS: Final = {
    "PNG": "png",
    "JPEG": "jpg",
    "MPO": "jpg",
    "WEBP": "webp",
    "TIFF": "tif",
    "GIF": "gif",
    "BMP": "bmp",
    "PPM": "ppm",
    "JPEG2000": "jp2",
    "AVIF": "avif",
    "ICO": "ico",
    "TGA": "tga",
    "QOI": "qoi",
    "SGI": "sgi",
    "DDS": "dds",
}

_TIFF_COMPRESSIONS: Final = ("tiff_lzw", "packbits", "tiff_adobe_deflate", "jpeg")


def ppm(levels: Any) -> bytes:
    """Encode (H, W, 3) or (H, W) levels, the same on every machine."""
    kind = "P6" if levels.ndim == 3 else "P5"
    height, width = levels.shape[:2]
    pixels: bytes = levels.astype(np.uint8).tobytes()
    return f"{kind} {width} {height} 255\n".encode() + pixels


def good() -> dict[str, bytes]:
    """Return the pictures that commands take beside the mangled file."""
    return {
        "content.ppm": ppm(CONTENT),
        "style.ppm": ppm(STYLE),
        "mask.pgm": ppm(_mask(HEIGHT, WIDTH)),
        "map.ppm": ppm(_map(HEIGHT, WIDTH)),
        "style-map.ppm": ppm(_map(34, 40)),
        "photos/one.ppm": ppm(CONTENT),
        "photos/two.ppm": ppm(STYLE),
    }


def pictures() -> dict[str, bytes]:
    """Return pictures of every format and mode, and of special kinds, by name."""
    whole = Image.fromarray(CONTENT)
    found: dict[str, bytes] = {}
    for mode in _MODES:
        for format_, suffix in _FORMATS.items():
            with suppress(Exception):  # most formats have few modes
                data = encoded(_in_mode(whole, mode), format_)
                found[f"{format_}-{mode}.{suffix}".replace(";", "")] = data
    for name, (format_, options) in _specials(whole).items():
        with suppress(OSError):  # a codec that this Pillow lacks
            found[name] = encoded(whole, format_, **options)
    return found | dict(_plain()) | dict(_sixteen_bits()) | rare_pictures(CONTENT)


def masks() -> dict[str, bytes]:
    """Return masks of the content in several formats, by name."""
    grey = Image.fromarray(_mask(HEIGHT, WIDTH).astype(np.uint8))
    return {
        "mask.png": encoded(grey, "PNG"),
        "mask.tif": encoded(grey, "TIFF"),
        "mask.bmp": encoded(grey, "BMP"),
        "mask.gif": encoded(grey, "GIF"),
        "mask-1.png": encoded(grey.convert("1"), "PNG"),
        "mask-16.png": encoded(_in_mode(grey, "I;16"), "PNG"),
        "mask.jpg": encoded(grey, "JPEG", quality=80),
        "mask-ascii.pgm": b"P2 4 4 3 " + b"0 3 1 2 " * 4,
        "mask-small.pgm": ppm(_mask(11, 12)),
    }


def maps() -> dict[str, bytes]:
    """Return maps of the content in several formats, by name."""
    colours = Image.fromarray(_map(HEIGHT, WIDTH).astype(np.uint8))
    return {
        "map.png": encoded(colours, "PNG"),
        "map-p.png": encoded(colours.quantize(4), "PNG"),
        "map.gif": encoded(colours.quantize(4), "GIF"),
        "map.jpg": encoded(colours, "JPEG", quality=95, subsampling=0),
        "map.ppm": ppm(_map(HEIGHT, WIDTH)),
        "map-small.bmp": encoded(colours.resize((12, 11), 0), "BMP"),
    }


def _mask(height: int, width: int) -> Any:
    return np.tile(np.linspace(0, 255, width), (height, 1))


def _map(height: int, width: int) -> Any:
    levels = np.zeros((height, width, 3))
    levels[:, width // 2 :, 0] = 255
    levels[height // 2 :, :, 2] = 255
    return levels


def _in_mode(whole: Image.Image, mode: str) -> Image.Image:
    if mode in ("I;16", "I;16B"):
        grey = np.asarray(whole.convert("L"), ">u2" if mode.endswith("B") else "<u2")
        size = whole.size
        return Image.frombytes(mode, size, (grey * 257).astype(grey.dtype).tobytes())
    if mode == "LAB":  # whatever the bands mean; a conversion is not always the same
        return Image.merge(mode, whole.split())
    return whole.convert("RGBA" if mode in ("La", "RGBa") else "RGB").convert(mode)


def _specials(whole: Image.Image) -> dict[str, tuple[str, dict[str, Any]]]:
    profile = srgb_profile()
    frames = {"save_all": True, "append_images": [whole.rotate(90), whole]}
    tagged = {"exif": _tags(), "dpi": (240, 240), "icc_profile": profile}
    return {
        **{
            f"tagged.{_FORMATS[f]}": (f, tagged)
            for f in ("JPEG", "PNG", "WEBP", "TIFF")
        },
        "turned.jpg": ("JPEG", {"exif": exif(6), "icc_profile": profile}),
        "turned.png": ("PNG", {"exif": exif(5), "icc_profile": profile}),
        "turned.webp": ("WEBP", {"exif": exif(8), "icc_profile": profile}),
        "progressive.jpg": ("JPEG", {"progressive": True, "subsampling": 2}),
        "moving.gif": ("GIF", frames),
        "moving.png": ("PNG", frames),
        "moving.webp": ("WEBP", frames),
        "pages.tif": ("TIFF", frames),
        "lossless.webp": ("WEBP", {"lossless": True}),
        "big.tif": ("TIFF", {"big_tiff": True}),
        **{
            f"{name}.tif": ("TIFF", {"compression": name})
            for name in _TIFF_COMPRESSIONS
        },
    }


def _tags() -> Image.Exif:
    """Return what a camera writes."""
    tags = exif(1)
    tags[ExifTags.Base.Copyright], tags[ExifTags.Base.Make] = "A. Author", "Maker"
    own = tags.get_ifd(ExifTags.IFD.Exif)
    own[ExifTags.Base.DateTimeOriginal] = "2020:01:02 03:04:05"
    own[ExifTags.Base.FNumber], own[ExifTags.Base.ColorSpace] = 2.8, 65535
    place = {1: "N", 2: (47.0, 22.0, 1.5), 3: "E", 4: (8.0, 32.0, 9.0)}
    tags.get_ifd(ExifTags.IFD.GPSInfo).update(place)
    return tags


def _plain() -> Iterator[tuple[str, bytes]]:
    """Yield the kinds of PNM, whose text anybody can write."""
    text = " ".join(map(str, CONTENT.ravel())).encode()
    yield "plain.ppm", b"P3\n# plain\n36 33\n255\n" + text
    yield "plain.pbm", b"P1 36 33\n" + b"01 10" * (36 * 33 // 4 + 1)
    yield "packed.pbm", b"P4 36 33\n" + bytes(range(165))
    wide = (CONTENT.astype(np.uint16) * 257).astype(">u2")
    yield "wide.ppm", b"P6 36 33 65535\n" + wide.tobytes()
    yield "wide.pgm", b"P5 36 33 65535\n" + wide[..., 0].tobytes()
    yield "float.pfm", b"Pf\n36 33\n-1.0\n" + CONTENT[..., 0].astype("<f4").tobytes()
    alpha = b"P7\nWIDTH 36\nHEIGHT 33\nDEPTH 3\nMAXVAL 255\nTUPLTYPE RGB\nENDHDR\n"
    yield "page.pdf", b"%PDF-1.4\n%%EOF\n"
    yield "any.pam", alpha + CONTENT.tobytes()


def _sixteen_bits() -> Iterator[tuple[str, bytes]]:
    wide = CONTENT.astype(np.uint16) * 257
    four = np.dstack([wide, wide[..., :1]])
    for name, pixels in (("rgb", wide), ("rgba", four)):
        yield f"{name}16.png", sixteen_bit.encode_png(pixels, b"", None)
        yield f"{name}16.tif", sixteen_bit.encode_tiff(pixels, b"", None)
    for kind in ("<u2", ">u2", "<f4", "<f8"):
        yield f"strip-{kind[1:]}{kind[0] == '>'}.tif", _tiff(wide[..., 0].astype(kind))
    yield "inverse.tif", _tiff(wide[..., 0].astype("<u2"), photometric=0)


def _tiff(pixels: Any, photometric: int = 1) -> bytes:
    """Encode (H, W) numbers of any kind as a TIFF of one strip."""
    order = ">" if pixels.dtype.byteorder == ">" else "<"
    height, width = pixels.shape
    body, form = pixels.tobytes(), 3 if pixels.dtype.kind == "f" else 1
    fields = {
        256: width,
        257: height,
        258: 8 * pixels.itemsize,
        259: 1,
        262: photometric,
        273: 8,
        277: 1,
        278: height,
        279: len(body),
        339: form,
    }
    out = io.BytesIO()
    out.write({"<": b"II*\0", ">": b"MM\0*"}[order])
    out.write(struct.pack(f"{order}I", 8 + len(body)) + body)
    out.write(struct.pack(f"{order}H", len(fields)))
    for tag, value in fields.items():
        out.write(struct.pack(f"{order}HHII", tag, 4, 1, value))
    out.write(bytes(4))
    return out.getvalue()
