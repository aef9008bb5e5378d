"""Names the formats that Pillow alone does not read, and finds packages that do.

HEIC and JPEG XL are read where their package is installed. It is imported, and tells
Pillow about itself, when the first such file is met. Camera raw is recognised because
Pillow would take the thumbnail of some such files for the picture.
"""

import importlib
import importlib.util
import struct
from contextlib import suppress
from dataclasses import dataclass
from typing import Final

from . import tiff_directory


@dataclass(frozen=True)
class Foreign:
    """A format that Pillow alone does not read.

    Attributes:
        name: What messages call it.
        suffixes: Suffixes of its files.
        advice: What to do with such a file; after the package, if there is one.
        package: Package that reads it, if there is one.
        module: Module of that package.
        opener: Pillow's name of the format once the module is set up.
    """

    name: str
    suffixes: tuple[str, ...]
    advice: str = "save it as PNG, TIFF or JPEG first"
    package: str = ""
    module: str = ""
    opener: str = ""

    @property
    def is_read(self) -> bool:
        """Whether the package is installed that reads it."""
        return bool(self.module) and importlib.util.find_spec(self.module) is not None

    @property
    def problem(self) -> str:
        """What it is and what to do, of one file or many."""
        if not self.package:
            return f"{self.name} is not read: {self.advice}"
        return (
            f"{self.name} needs the package {self.package}: install it, or "
            f"lightstyle's extra formats, or {self.advice}"
        )


HEIC: Final = Foreign(
    "HEIC",
    (".heic", ".heics", ".heif", ".heifs", ".hif"),
    "save it as JPEG first",
    *("pillow-heif", "pillow_heif", "HEIF"),
)
JXL: Final = Foreign(
    "JPEG XL", (".jxl",), "save it as PNG first", *("pillow-jxl-plugin", "pillow_jxl"),
    "JXL",
)  # fmt: skip
RAW: Final = Foreign(
    "camera raw",
    (
        *(".3fr", ".arw", ".cr2", ".cr3", ".crw", ".dcr", ".dng", ".erf", ".fff"),
        *(".iiq", ".kdc", ".mef", ".mos", ".mrw", ".nef", ".nrw", ".orf", ".pef"),
        *(".raf", ".raw", ".rw2", ".rwl", ".sr2", ".srf", ".srw", ".x3f"),
    ),
    "develop it first, and save it as TIFF or JPEG",
)
PSD: Final = Foreign("Photoshop's format", (".psd", ".psb"))
XCF: Final = Foreign("GIMP's format", (".xcf",))
SVG: Final = Foreign("SVG", (".svg", ".svgz"), "draw it as PNG first")
PDF: Final = Foreign("PDF", (".pdf", ".ai"))
EPS: Final = Foreign("PostScript", (".eps", ".ps"))
EXR: Final = Foreign("OpenEXR", (".exr",))
HDR: Final = Foreign("Radiance HDR", (".hdr",))
ICON: Final = Foreign("an icon", (".ico", ".icns"))
TGA: Final = Foreign("TGA", (".tga",))
DDS: Final = Foreign("DDS", (".dds",))
PCX: Final = Foreign("PCX", (".pcx",))
QOI: Final = Foreign("QOI", (".qoi",))
SGI: Final = Foreign("SGI's format", (".sgi",))
JXR: Final = Foreign("JPEG XR", (".jxr", ".wdp", ".hdp"))
FITS: Final = Foreign("FITS", (".fits", ".fts"))
DICOM: Final = Foreign("DICOM", (".dcm",))
FILM: Final = Foreign("a film", (), "save a frame of it as PNG first")

#: All whose suffix tells them, and those with an opener.
ALL: Final = (
    *(HEIC, JXL, RAW, PSD, XCF, SVG, PDF, EPS, EXR, HDR, ICON),
    *(TGA, DDS, PCX, QOI, SGI, JXR, FITS, DICOM),
)
OPENED: Final = (HEIC, JXL)

#: First bytes of files. A TIFF and what begins with a box `ftyp` are looked into.
_STARTS: Final = {
    b"\xff\x0a": JXL,
    b"\0\0\0\x0cJXL \r\n\x87\n": JXL,
    b"FUJIFILMCCD-RAW": RAW,
    b"IIRO": RAW,
    b"IIRS": RAW,
    b"MMOR": RAW,
    b"IIU\0": RAW,
    b"FOVb": RAW,
    b"\0MRM": RAW,
    b"II\x1a\0\0\0HEAPCCDR": RAW,
    b"8BPS": PSD,
    b"gimp xcf": XCF,
    b"<svg": SVG,
    b"%PDF": PDF,
    b"%!PS": EPS,
    b"\xc5\xd0\xd3\xc6": EPS,
    b"v/1\x01": EXR,
    b"#?RADIANCE": HDR,
    b"\0\0\1\0": ICON,
    b"icns": ICON,
    b"DDS ": DDS,
    b"\n\5\1": PCX,
    b"qoif": QOI,
    b"\1\xda": SGI,
    b"II\xbc\1": JXR,
    b"SIMPLE  =": FITS,
    b"\x1aE\xdf\xa3": FILM,
}
_END_OF_TGA: Final = b"TRUEVISION-XFILE.\0"
_BRANDS: Final = dict.fromkeys(
    (b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"mif1", b"msf1"), HEIC
) | {b"crx ": RAW}
_FILMS: Final = (b"qt  ", b"isom", b"iso2", b"mp41", b"mp42", b"avc1", b"M4V ")

#: Tags of a TIFF: the kind of its first image, its compression, further images below
#: it, and the version of DNG; and compressions that only cameras use.
_SUBFILE, _COMPRESSION, _SUB_IFDS, _DNG = 254, 259, 330, 50706
_OF_CAMERAS: Final = (32767, 32769, 32770, 34713, 34892, 65535)


def recognised(data: bytes) -> Foreign | None:
    """Return the format of a file if it is one that Pillow alone does not read.

    Args:
        data: The whole file.
    """
    if data[4:8] == b"ftyp":
        brands = [data[8:12], *(data[n : n + 4] for n in range(16, 64, 4))]
        if b"avif" in brands or b"avis" in brands:
            return None
        known = [_BRANDS[brand] for brand in brands if brand in _BRANDS]
        return known[0] if known else (FILM if brands[0] in _FILMS else None)
    if data[:4] in (b"II*\0", b"MM\0*"):
        return RAW if _is_raw(data) else None
    if data.endswith(_END_OF_TGA):
        return TGA
    if data[128:132] == b"DICM":
        return DICOM
    start = data[:512].lstrip(b"\xef\xbb\xbf \t\r\n")
    if start.startswith(b"<?xml") and b"<svg" in start:
        return SVG
    starts = (
        kind
        for first, kind in _STARTS.items()
        if data.startswith(first) or start.startswith(first)
    )
    return next(starts, None)


def set_up(kind: Foreign) -> None:
    """Make Pillow read a format of `OPENED` whose package is installed.

    Raises:
        ImportError: If the package cannot be used.
    """
    from PIL import Image

    module = importlib.import_module(kind.module)
    if kind.opener not in Image.OPEN:  # JPEG XL's registers itself
        module.register_heif_opener()


def suffixes_read() -> frozenset[str]:
    """Return the suffixes of formats of `OPENED` whose package is installed."""
    return frozenset(s for kind in OPENED if kind.is_read for s in kind.suffixes)


def problem_of(suffix: str) -> str | None:
    """Return why files with the `suffix` are not read, if it tells."""
    kinds = (kind for kind in ALL if suffix.lower() in kind.suffixes)
    return next((kind.problem for kind in kinds if not kind.is_read), None)


def _is_raw(data: bytes) -> bool:
    """Whether a TIFF is what cameras write: a preview, or data only they compress."""
    with suppress(struct.error):
        directory = tiff_directory.read(data)
        if directory is not None:
            tags = directory.places
            preview = _SUB_IFDS in tags and directory.number(_SUBFILE, 0) == 1
            camera = directory.number(_COMPRESSION, 0) in _OF_CAMERAS
            return data[8:10] == b"CR" or _DNG in tags or preview or camera
    return False
