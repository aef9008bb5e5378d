from typing import Any

import numpy as np
import pytest

from lightstyle.errors import ImageError
from lightstyle.images import decoding
from tests.support.picture_files import problem

SAMPLES = np.random.default_rng(6).integers(0, 65536, (7, 9, 4), dtype=np.uint16)


def _words(samples: Any) -> bytes:
    return " ".join(map(str, samples.ravel())).encode()


def _pam(channels: int, samples: Any, highest: int) -> bytes:
    kind = ">u2" if highest > 255 else "u1"
    head = f"P7\nWIDTH 9\nHEIGHT 7\nDEPTH {channels}\nMAXVAL {highest}\nTUPLTYPE X\n"
    return (head + "ENDHDR\n").encode() + bytes(samples.astype(kind).tobytes())


RGB = SAMPLES[..., :3]
CASES: dict[str, tuple[bytes, Any]] = {
    "P6": (b"P6 9 7 65535\n" + RGB.astype(">u2").tobytes(), RGB / 257),
    "P6 with a comment": (
        b"P6\n# made by hand\n9 7\n65535\n" + RGB.astype(">u2").tobytes(),
        RGB / 257,
    ),
    "P6 of 12 bits": (
        b"P6 9 7 4095\n" + (RGB >> 4).astype(">u2").tobytes(),
        (RGB >> 4) * (255 / 4095),
    ),
    "P5 of 10 bits": (
        b"P5 9 7 1023\n" + (RGB[..., 0] >> 6).astype(">u2").tobytes(),
        (RGB[..., :1] >> 6) * (255 / 1023),
    ),
    "P3": (b"P3 9 7 65535\n" + _words(RGB), RGB / 257),
    "P2": (b"P2 9 7 65535\n# so\n" + _words(RGB[..., 0]), RGB[..., :1] / 257),
    "PF": (
        b"PF\n9 7\n-1.0\n" + (RGB[::-1] / 65535).astype("<f4").tobytes(),
        RGB / 257,
    ),
    "PF, big-endian": (
        b"PF\n9 7\n1.0\n" + (RGB[::-1] / 65535).astype(">f4").tobytes(),
        RGB / 257,
    ),
    "PAM of grey": (_pam(1, RGB[..., 0] >> 8, 255), (RGB[..., :1] >> 8) * 1.0),
    "PAM of black and white": (
        _pam(1, RGB[..., 0] >> 15, 1),
        (RGB[..., :1] >> 15) * 255,
    ),
    "PAM of RGB": (_pam(3, RGB, 65535), RGB / 257),
}


@pytest.mark.parametrize("kind", CASES)
def test_kinds_of_netpbm_keep_all_their_levels(kind: str) -> None:
    data, levels = CASES[kind]
    picture = decoding.from_bytes(data, "picture")
    expected = np.broadcast_to(levels, RGB.shape)
    np.testing.assert_allclose(picture.rgb_hwc, expected, atol=0.003)
    assert picture.notes == ()


@pytest.mark.parametrize("channels", [2, 4])
def test_a_pam_may_have_alpha(channels: int) -> None:
    samples = SAMPLES[..., -channels:]
    picture = decoding.from_bytes(_pam(channels, samples, 65535), "picture")
    assert picture.alpha_hw is not None
    np.testing.assert_allclose(picture.alpha_hw, samples[..., -1] / 257, atol=1e-3)


@pytest.mark.parametrize("kind", CASES)
def test_damage_gives_a_picture_or_one_error(kind: str) -> None:
    random = np.random.default_rng(4)
    for number in range(60):
        data = bytearray(CASES[kind][0])
        if number % 2:
            del data[random.integers(2, len(data)) :]
        for _ in range(2):
            data[random.integers(min(len(data), 60))] = random.integers(256)
        said = problem(bytes(data))
        assert not said or said.startswith("picture")
        assert "\n" not in said


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"P6 99999 99999 65535\n", "megapixels"),
        (b"PF\n99999 99999\n-1\n", "megapixels"),
        (b"P6 9 7 65535\n12", "cannot be decoded"),
        (b"P7\nWIDTH 9\nHEIGHT 7\nDEPTH 9\nMAXVAL 255\nENDHDR\n", "9 channels"),
        (b"P7\nWIDTH 9\nDEPTH 3\nMAXVAL 255\nENDHDR\n", "no HEIGHT"),
        (b"PF\n1 1\n-1\n" + np.full(3, 7, "<f4").tobytes(), "from 7 to 7"),
    ],
)
def test_what_is_wrong_is_said(data: bytes, words: str) -> None:
    with pytest.raises(ImageError, match=words):
        decoding.from_bytes(data, "picture")
