import io

import numpy as np
import pytest
from PIL import Image, ImageCms

from lightstyle.images import color_space, encoding, icc
from lightstyle.images.color_space import ADOBE_GAMMA, ADOBE_RGB, SRGB, RGBSpace

LEVELS = np.random.default_rng(1).integers(0, 256, (40, 30, 3)).astype(np.float32)


def test_srgb_is_itself() -> None:
    space = RGBSpace.of(color_space.srgb_curve)
    assert space.is_srgb
    np.testing.assert_allclose(space.to_srgb(LEVELS), LEVELS, atol=0.01)


def test_adobe_rgb_gives_the_published_values() -> None:
    # Bruce Lindbloom's calculator: Adobe RGB to sRGB, D65, clipped.
    space = RGBSpace.of(color_space.power(ADOBE_GAMMA), ADOBE_RGB)
    given = np.array([[[0, 255, 0], [128, 128, 128], [200, 100, 50]]], np.float32)
    found = space.to_srgb(given)
    np.testing.assert_allclose(found[0, 0], [0, 255, 0], atol=1)
    np.testing.assert_allclose(found[0, 1], [129, 129, 129], atol=0.1)
    np.testing.assert_allclose(found[0, 2], [228, 99, 42], atol=2)


def test_linear_light_is_encoded() -> None:
    space = RGBSpace.of(color_space.power(1.0))
    half = np.full((1, 1, 3), 127.5, np.float32)
    np.testing.assert_allclose(space.to_srgb(half), 187.5, atol=0.5)
    assert not space.is_srgb


@pytest.mark.parametrize(
    "points",
    [
        (0.64, 0.33, 0.30, 0.60, 0.15, 0.06, 0.3127, 0.0),  # no white
        (0.64, 0.33, 0.64, 0.33, 0.15, 0.06, 0.3127, 0.329),  # red is green
        (0.1, 0.1, 0.2, 0.2, 0.3, 0.3, 0.3127, 0.329),  # on a line
        (0.0,) * 8,
        (np.nan,) * 8,
        (1e9, *SRGB[1:]),
    ],
)
def test_impossible_primaries_are_refused(points: tuple[float, ...]) -> None:
    with pytest.raises(ValueError):  # noqa: PT011
        RGBSpace.of(color_space.srgb_curve, points)  # type: ignore[arg-type]


@pytest.mark.parametrize("exponent", [0, -1, 1e6, np.nan])
def test_impossible_exponents_are_refused(exponent: float) -> None:
    with pytest.raises(ValueError, match="exponent"):
        color_space.power(exponent)


@pytest.mark.parametrize(
    "values", [[0], [1, 0], [0, 0.5], [0.5, 1], [0, np.nan, 1], [0, 2]]
)
def test_impossible_curves_are_refused(values: list[float]) -> None:
    with pytest.raises(ValueError, match="curve"):
        color_space.table(values)


def _other_profile() -> bytes:
    """A profile with other primaries and a power instead of sRGB's curve."""
    profile = bytearray(encoding.srgb_profile())
    at = profile.index(b"para\0\0\0\0\0\3")
    profile[at + 8 : at + 10] = b"\0\0"
    for entry in range(132, 400, 12):
        if profile[entry : entry + 4] == b"gXYZ":
            place = int.from_bytes(profile[entry + 4 : entry + 8])
            profile[place + 8 : place + 12] = round(0.30 * 65536).to_bytes(4)
    return bytes(profile)


@pytest.mark.parametrize("profile", [encoding.srgb_profile(), _other_profile()])
def test_a_profile_means_what_little_cms_makes_of_it(profile: bytes) -> None:
    space = icc.rgb_space(profile)
    assert space is not None
    image = Image.fromarray(LEVELS.astype(np.uint8))
    target = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB"))
    by_little_cms = ImageCms.profileToProfile(
        image, ImageCms.ImageCmsProfile(io.BytesIO(profile)), target, outputMode="RGB"
    )
    assert np.abs(space.to_srgb(LEVELS) - np.asarray(by_little_cms)).max() < 1.5
    assert space.is_srgb == (profile == encoding.srgb_profile())


def test_a_damaged_profile_describes_no_space() -> None:
    random = np.random.default_rng(2)
    profile = encoding.srgb_profile()
    for _ in range(300):
        damaged = bytearray(profile[: random.integers(len(profile))])
        for _ in range(3):
            if damaged:
                damaged[random.integers(len(damaged))] = random.integers(256)
        with np.errstate(all="ignore"):
            icc.rgb_space(bytes(damaged))  # a space or None, and never an exception
    assert icc.rgb_space(b"") is None
