"""Everybody can use the page on their device, with whatever pictures they have."""

from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest
from PIL import Image

from lightstyle.images import encoding
from tests.support.page import (
    PHONE,
    WIDE,
    Open,
    choose,
    drop,
    is_too_wide,
    paint,
    paint_by_keyboard,
    serious,
    set_effort,
    tab_to,
)

if TYPE_CHECKING:
    from playwright.sync_api import Page

pytestmark = pytest.mark.browser


@pytest.mark.parametrize("size", [PHONE, (360, 780), WIDE])
@pytest.mark.parametrize("theme", ["light", "dark"])
def test_nothing_is_out_of_reach_in_any_size_and_theme(
    site: str, pages: Open, size: tuple[int, int], theme: str
) -> None:
    page = pages(site, size=size, color_scheme=theme, reduced_motion="reduce")
    choose(page, 48, 2)
    looked_at = {"chosen": (serious(page), is_too_wide(page))}
    paint(page, until="Finished")
    for summary in page.query_selector_all(".about summary"):
        summary.click()
    looked_at["done"] = serious(page), is_too_wide(page)
    page.click("nav >> text=Gallery")
    page.wait_for_selector("#wall li")
    looked_at["gallery"] = serious(page), is_too_wide(page)
    assert looked_at == dict.fromkeys(looked_at, ([], False))


def test_everything_is_done_by_the_keyboard_alone(site: str, pages: Open) -> None:
    page = pages(site)
    paint_by_keyboard(page)
    tab_to(page, ".actions .quiet")
    page.keyboard.press("Enter")
    tab_to(page, "#question-yes")
    page.keyboard.press("Enter")
    page.wait_for_selector("#new")


def test_what_a_device_cannot_do_is_greyed_out_with_the_reason(
    site: str, pages: Open
) -> None:
    page = pages(site)
    page.click("#more > summary")
    assert page.is_disabled("#set-protect")
    why = page.get_attribute("#set-protect", "aria-describedby") or ""
    assert "set-protect-why" in why
    assert page.inner_text("#set-protect-why").endswith(".")
    assert page.is_disabled("#set-style_loss option[value=match]")
    assert "match:" in page.inner_text("#set-style_loss-why")
    assert not page.is_disabled("#set-strength")
    assert page.is_hidden("#set-format")  # PNG alone
    assert page.is_hidden("#set-model")


def test_a_size_that_is_too_large_here_is_said_before_and_with_the_picture(
    site: str, pages: Open
) -> None:
    page = pages(site)
    Image.new("RGB", (1600, 1200), "teal").save("content.png")
    choose(page, 1024, 1)
    page.wait_for_selector("#forecast:not(:empty)")
    paint(page, until="P")
    assert page.inner_text(".note")
    page.click("text=Stop and keep")
    page.wait_for_selector(".actions >> text=Delete")


def _saved(image: Image.Image, format_: str, **options: object) -> bytes:
    file = BytesIO()
    image.save(file, format_, **options)
    return file.getvalue()


def test_pictures_of_every_kind_are_painted_upright(site: str, pages: Open) -> None:
    """A turned photo, one with a wide profile, one that is transparent, and WebP."""
    page = pages(site)
    with Image.open("content.png") as given:
        photo = given.convert("RGB").resize((64, 48))
    exif = Image.Exif()
    exif[0x0112] = 6  # Orientation: a quarter turn
    alpha = photo.copy()
    alpha.putalpha(Image.linear_gradient("L").resize(photo.size))
    kinds = {
        "turned.jpg": (_saved(photo, "JPEG", exif=exif), (36, 48)),
        "wide.jpg": (
            _saved(photo, "JPEG", icc_profile=_display_p3()),
            (48, 36),
        ),
        "clear.png": (_saved(alpha, "PNG"), (48, 36)),
        "small.webp": (_saved(photo, "WEBP"), (48, 36)),
    }
    page.set_input_files("#choose-style", "style.png")
    set_effort(page, 48, 2)
    for name, (data, size) in kinds.items():
        Path(name).write_bytes(data)
        page.click("nav >> text=New picture")
        page.set_input_files("#choose-content", name)
        paint(page, until="Finished")
        with page.expect_download() as download:
            page.click(".label >> text='Download'")
        download.value.save_as("out.png")
        with Image.open("out.png") as result:
            assert (name, result.size) == (name, size)
            assert ("A" in result.getbands()) == (name == "clear.png")


def test_a_phone_takes_a_picture_with_its_camera(site: str, pages: Open) -> None:
    """Held upright, it says in a tag that what its sensor has seen lies on its side."""
    page = pages(site, size=PHONE, is_mobile=True, has_touch=True)
    exif = Image.Exif()
    exif[0x0112] = 6  # Orientation: what is stored on the left is seen at the top
    sensor = Image.new("RGB", (96, 72), "white")
    sensor.paste("black", (0, 0, 48, 72))
    Path("IMG_0001.jpg").write_bytes(_saved(sensor, "JPEG", exif=exif))
    camera = "[data-role=content] .camera"
    assert page.is_visible(camera)
    assert page.get_attribute(f"{camera} input", "capture") == "environment"
    page.set_input_files(f"{camera} input", "IMG_0001.jpg")
    page.wait_for_selector("[data-role=content] .words:has-text('IMG_0001.jpg')")
    assert page.is_hidden(camera)
    page.set_input_files("#choose-style", "style.png")
    set_effort(page, 48, 2)
    paint(page, until="Finished")
    with page.expect_download() as download:
        page.click(".label >> text='Download'")
    download.value.save_as("out.png")
    with Image.open("out.png") as result:
        assert result.size == (36, 48)
        top, bottom = (
            np.asarray(result.convert("L").crop((0, y, 36, y + 20))).mean()
            for y in (0, 28)
        )
    assert top + 100 < bottom


#: Red, green and blue of Display P3, as profiles have them.
_P3 = {
    b"rXYZ": (0.5151, 0.2412, -0.0011),
    b"gXYZ": (0.2920, 0.6922, 0.0419),
    b"bXYZ": (0.1571, 0.0666, 0.7841),
}


def _display_p3() -> bytes:
    """A profile of the wide colours that phones have: sRGB's with other primaries."""
    data = bytearray(encoding.srgb_profile())
    for entry in range(132, 132 + 12 * int.from_bytes(data[128:132]), 12):
        name, at = bytes(data[entry : entry + 4]), data[entry + 4 : entry + 8]
        for n, value in enumerate(_P3.get(name, ())):
            start = int.from_bytes(at) + 8 + 4 * n
            data[start : start + 4] = round(value * 65536).to_bytes(4, signed=True)
    return bytes(data)


def test_what_is_no_picture_or_too_large_is_refused_where_it_is_dropped(
    site: str, pages: Open
) -> None:
    page = pages(site)
    page.click("#paint")
    assert page.inner_text("#refusal") == "Choose a photo and a painting first."
    page.set_input_files("#choose-style", "style.png")
    Path("notes.txt").write_text("no picture")
    page.set_input_files("#choose-content", "notes.txt")
    assert "is no PNG, JPEG or WebP" in page.inner_text("#choose-content-problem")
    whole = Path("content.png").read_bytes()
    for name, data, words in (
        ("lies.png", b"no picture", "lies.png is no picture, or damaged"),
        ("huge.png", _huge(), "huge.png has 12000 × 9000 pixels"),
    ):
        drop(page, "[data-role=content]", {name: data})
        page.click("#paint")
        page.wait_for_selector(f"#refusal:has-text('{words}')")
    drop(page, "[data-role=content]", {"cut.png": whole[: len(whole) // 2]})
    set_effort(page, 48, 2)
    page.click("#paint")
    page.wait_for_selector(
        "#refusal:has-text('cut.png'), .label .refusal:not(:empty), "
        ".facts:has-text('Finished')"
    )


def test_a_refusal_is_seen_on_a_phone_beside_what_was_pressed(
    site: str, pages: Open
) -> None:
    page = pages(site, size=PHONE)
    page.click("#paint")
    page.wait_for_selector("#refusal:not(:empty)")
    box = page.locator("#refusal").bounding_box()
    assert box is not None
    assert 0 <= box["y"] <= PHONE[1] - box["height"]


def _huge() -> bytes:
    """A photo of 108 megapixels, as some phones take them."""
    return _saved(Image.new("L", (12000, 9000)), "PNG", compress_level=1)


def test_a_picture_is_pasted(site: str, pages: Open) -> None:
    page = pages(site)
    _paste(page, "content.png")
    _paste(page, "style.png")
    assert page.inner_text(".frame:first-child .words") == "content.png"
    assert page.inner_text(".frame:last-child .words") == "style.png"


def _paste(page: "Page", name: str) -> None:
    from base64 import b64encode

    page.evaluate(
        """([name, base64]) => {
          const bytes = Uint8Array.from(atob(base64), (each) => each.charCodeAt(0));
          const data = new DataTransfer();
          data.items.add(new File([bytes], name, { type: "image/png" }));
          const given = { clipboardData: data, bubbles: true };
          document.body.dispatchEvent(new ClipboardEvent("paste", given));
        }""",
        [name, b64encode(Path(name).read_bytes()).decode()],
    )
