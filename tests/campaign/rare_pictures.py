"""Seeds: kinds of pictures that Pillow does not read, or not wholly, by itself."""

import io
import struct
from collections.abc import Iterator
from contextlib import suppress
from typing import Any, Final

import numpy as np
import tifffile
from PIL import Image

from lightstyle.images import foreign
from lightstyle.images.encoding import srgb_profile
from tests.support.picture_files import png

#: Primaries and white of P3 with the curve of sRGB, in full range.
_CICP: Final = (b"cICP", bytes([12, 13, 0, 1]))

#: Blue, green, red, and "Windows", "embedded" as BMP writes them.
_SRGB, _WINDOWS, _EMBEDDED = b"BGRs", b" niW", b"DEBM"
_CALIBRATED: Final = bytes(4)


def rare_pictures(levels: Any) -> dict[str, bytes]:
    """Return pictures, by name.

    Args:
        levels: (H, W, 3) uint8, what they show.
    """
    four = np.dstack([levels, levels[..., :1]])
    return {
        **dict(_netpbm(four)),
        **dict(_png(four)),
        **dict(_tiff(four)),
        **dict(_bmp(levels)),
        **dict(_by_packages(four)),
    }


def _wide(levels: Any) -> Any:
    return levels.astype(np.uint16) * 257


def _netpbm(four: Any) -> Iterator[tuple[str, bytes]]:
    height, width = four.shape[:2]
    for depth, kind in ((1, "GRAYSCALE"), (2, "GRAYSCALE_ALPHA"), (4, "RGB_ALPHA")):
        for highest, pixels in ((255, four), (65535, _wide(four).astype(">u2"))):
            head = f"P7\nWIDTH {width}\nHEIGHT {height}\nDEPTH {depth}\n"
            head += f"MAXVAL {highest}\nTUPLTYPE {kind}\nENDHDR\n"
            body = pixels[..., :depth].tobytes()
            yield f"{kind}-{highest}.pam".lower(), head.encode() + body
    for scale, kind in ((-1.0, "<f4"), (1.0, ">f4")):
        body = (four[::-1, :, :3] / 255).astype(kind).tobytes()
        yield f"color{scale:g}.pfm", f"PF\n{width} {height}\n{scale}\n".encode() + body


def _png(four: Any) -> Iterator[tuple[str, bytes]]:
    yield "cicp.png", png(four[..., :3], _CICP)
    for channels in (2, 3, 4):
        yield f"wide-{channels}.png", png(_wide(four[..., :channels]))
    yield "wide-cicp.png", png(_wide(four[..., :3]), _CICP)
    yield "wide-hidden.png", png(_wide(four[..., :3]), (b"tRNS", bytes(6)))


def _tiff(four: Any) -> Iterator[tuple[str, bytes]]:
    five = np.dstack([four, four[..., :1]])
    rgb, ink, grey = "rgb", "separated", "minisblack"
    kinds: dict[str, tuple[Any, str, dict[str, Any]]] = {
        "float": (four[..., :3] / np.float32(255), rgb, {}),
        "double": (four[..., :3] / 255, rgb, {"byteorder": ">"}),
        "half": (np.float16(four[..., 0] / 255), grey, {}),
        "float-alpha": (four / 255, rgb, {"extrasamples": ["unassalpha"]}),
        "cmyka": (five, ink, {"extrasamples": ["unassalpha"]}),
        "cmyk16": (_wide(four), ink, {}),
        "cmyka16": (_wide(five), ink, {"extrasamples": ["unassalpha"]}),
        "grey-alpha16": (_wide(four[..., :2]), grey, {"extrasamples": ["unassalpha"]}),
        "rgb16": (_wide(four[..., :3]), rgb, {"byteorder": ">"}),
        "rgb16-lzw": (_wide(four[..., :3]), rgb, {"compression": "zlib"}),
        "rgb16-tiles": (_wide(four[..., :3]), rgb, {"tile": (16, 16)}),
        "planes16": (
            _wide(four[..., :3]).transpose(2, 0, 1),
            rgb,
            {"planarconfig": "separate"},
        ),
        "white16": (_wide(four[..., 0]), "miniswhite", {"bigtiff": True}),
    }
    for name, (samples, photometric, options) in kinds.items():
        contiguous = {"planarconfig": "contig"} if samples.ndim == 3 else {}
        file = io.BytesIO()
        tifffile.imwrite(
            file,
            samples,
            photometric=photometric,
            metadata=None,
            software=False,
            **contiguous | options,
        )
        yield f"rare-{name}.tif", file.getvalue()


def _bmp(levels: Any) -> Iterator[tuple[str, bytes]]:
    """Yield BMPs whose headers, of version 5, tell their colours."""
    height, width = levels.shape[:2]
    rows = levels[::-1, :, ::-1].reshape(height, -1)
    pixels = np.pad(rows, ((0, 0), (0, -rows.shape[1] % 4))).tobytes()
    profile = srgb_profile()
    ends = [n << 14 for n in (2, 1, 1, 1, 2, 1, 1, 1, 3)]
    for kind in (_SRGB, _WINDOWS, _EMBEDDED, _CALIBRATED):
        extra = profile if kind == _EMBEDDED else b""
        header = struct.pack("<IiiHHII", 124, width, height, 1, 24, 0, len(pixels))
        header += bytes(32) + kind + struct.pack("<9i3I", *ends, *(144179,) * 3)
        at = 124 + len(pixels) if extra else 0
        header += struct.pack("<IIII", 4, at, len(extra), 0)
        start = 14 + len(header)
        size = start + len(pixels) + len(extra)
        head = b"BM" + struct.pack("<IHHI", size, 0, 0, start)
        name = kind.strip(b" \0").decode() or "calibrated"
        yield f"v5-{name}.bmp", head + header + pixels + extra


def _by_packages(four: Any) -> Iterator[tuple[str, bytes]]:
    """Yield HEIC and JPEG XL where their packages are installed."""
    for kind, suffix in ((foreign.HEIC, "heic"), (foreign.JXL, "jxl")):
        if not kind.is_read:
            continue
        foreign.set_up(kind)
        for mode in ("L", "RGB", "RGBA"):
            image = Image.fromarray(four).convert(mode)
            file = io.BytesIO()
            with suppress(OSError, NotImplementedError):  # an encoder that is missing
                image.save(file, kind.opener)
                yield f"{mode}.{suffix}", file.getvalue()
    if foreign.JXL.is_read:
        image, file = Image.fromarray(_wide(four[..., 0])), io.BytesIO()
        image.save(file, foreign.JXL.opener, lossless=True)
        yield "wide.jxl", file.getvalue()
