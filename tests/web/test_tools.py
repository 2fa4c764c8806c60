"""Seeing, choosing and changing masks on the page: tools, lists, options; one server for all."""

from collections.abc import Iterator

import httpx
import numpy as np
import pytest
from PIL import Image

playwright = pytest.importorskip("playwright.sync_api")

from playwright.sync_api import Browser, Page, expect  # noqa: E402

from tamis.mask import Masks  # noqa: E402
from tests.web.browser import (  # noqa: E402
    CHROMIUM,
    NO_CHROMIUM,
    SHAPES,
    Served,
    disc,
    event,
    image_id,
    open_image,
    opened_page,
    painted,
    place,
    saved,
    served,
)

pytestmark = pytest.mark.skipif(CHROMIUM is None, reason=NO_CHROMIUM)

SLOW = 30_000


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """Eight images, one for each test that draws."""
    folder = tmp_path_factory.mktemp("tools") / "photos"
    folder.mkdir()
    for number in range(8):
        Image.fromarray(disc(200, 300)).save(folder / f"{number}.png")
        SHAPES[f"{number}.png"] = (300, 200)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("TAMIS_CACHE", str(tmp_path_factory.mktemp("cache")))
        with served(folder, "--labels", "cat,dog", "--user", "anna") as running:
            yield running


@pytest.fixture(scope="module")
def page(browser: Browser, server: Served) -> Iterator[Page]:
    with opened_page(browser) as opened:
        yield opened


def boxes(server: Served, name: str, *squares: tuple[int, int, int, int]) -> int:
    """Draw rectangles (left, top, right, bottom) by a script, later ones above; the number of the image."""
    number = image_id(server, name)
    url = f"{server.url}api/images/{number}"
    label = server.get("api/project")["labels"][0]["id"]
    lease = httpx.post(f"{url}/lease", json={"client": "script", "takeover": True}, timeout=30).json()["lease"]
    events = []
    for i, (left, top, right, bottom) in enumerate(squares):
        dense = np.zeros((1, 200, 300), bool)
        dense[0, top:bottom, left:right] = True
        (rle,) = Masks.from_dense(dense).coco()
        body = {"id": f"m{i}", "label": label, "rle": {"size": [200, 300], "counts": rle["counts"].decode()}}
        events.append(event(f"{name}-{i}", "mask.set", {**body, "tool": "script"}))
    sent = {"client": "script", "lease": lease, "base": 0, "events": events}
    httpx.post(f"{url}/events", json=sent, timeout=30).raise_for_status()
    httpx.delete(f"{url}/lease", params={"lease": lease}, timeout=30)
    return number


def areas(server: Served, number: int) -> list[int]:
    return [int(Masks.from_coco([mask["rle"]]).areas[0]) for mask in server.masks(number)]


def chosen(page: Page, *names: str) -> None:
    """The selected masks are these, as soon as the page has done what it was told."""
    expect(page.locator("#instances li[aria-current=true] .name")).to_have_text(list(names), timeout=15_000)


def test_the_first_minute(page: Page, server: Served) -> None:
    open_image(page, server, "0.png")
    expect(page.locator("#greeting")).to_contain_text("Click on an object")
    page.get_by_role("button", name="Got it").click()
    expect(page.locator("#greeting")).to_be_hidden()
    expect(page.locator("#finish")).to_be_disabled()
    page.mouse.click(*place(page, 0.5, 0.5))
    expect(page.locator("#hint")).to_contain_text("Enter: finish", timeout=15_000)
    page.keyboard.press("2")  # the label of the mask in hand, which stays in hand
    expect(page.locator("#instances li")).to_contain_text("dog")
    chosen(page, "1 dog")
    page.locator("#finish").click()
    chosen(page)
    page.reload()
    expect(page.locator("#waiting")).to_be_hidden(timeout=SLOW)
    expect(page.locator("#greeting")).to_be_hidden()
    saved(page)


def test_options_are_as_they_were_after_a_reload(page: Page, server: Served) -> None:
    open_image(page, server, "0.png")
    page.keyboard.press("2")
    page.keyboard.press("b")
    page.keyboard.press("]")
    page.locator("#coloring").select_option("instance")
    page.locator("#opacity").fill("70")
    page.locator("#claim").check()
    brush = page.locator("#brush").input_value()
    page.reload()
    expect(page.locator("#waiting")).to_be_hidden(timeout=SLOW)
    expect(page.locator("#tool-brush")).to_have_attribute("aria-pressed", "true")
    assert page.locator("#brush").input_value() == brush
    assert page.locator("#coloring").input_value() == "instance"
    assert page.locator("#opacity").input_value() == "70"
    expect(page.locator("#claim")).to_be_checked()
    page.locator("#claim").uncheck()
    expect(page.locator("#labels li.chosen")).to_contain_text("dog")
    page.keyboard.press("1")


def test_what_lies_below_can_be_reached_and_brought_to_the_front(page: Page, server: Served) -> None:
    number = boxes(server, "1.png", (30, 20, 270, 180), (60, 40, 240, 160), (90, 60, 210, 140))
    open_image(page, server, "1.png")
    page.keyboard.press("v")
    for name in ("3 cat", "2 cat", "1 cat", "3 cat"):  # again at the same place: the one below
        page.mouse.click(*place(page, 0.5, 0.5))
        chosen(page, name)
    page.locator("#instances li", has_text="1 cat").hover()
    expect(page.locator("#instances li", has_text="1 cat").locator(".pick")).to_have_attribute(
        "title", "1 cat, 38,400 px · 64 %"
    )
    page.locator("#instances li", has_text="1 cat").locator(".pick").click()
    page.locator("#front").click()
    saved(page)
    assert [mask["id"] for mask in server.masks(number)] == ["m1", "m2", "m0"]
    page.locator("#lock").click()
    page.keyboard.press("Delete")
    expect(page.locator("#hint")).to_contain_text("locked")
    expect(page.locator("#instances li")).to_have_count(3)
    before = painted(page)
    page.locator("#instances li", has_text="2 cat").locator(".pick").click()
    page.keyboard.press("o")
    assert painted(page) < before
    page.keyboard.press("o")


def test_several_masks_are_labelled_merged_and_deleted_at_once(page: Page, server: Served) -> None:
    number = boxes(server, "2.png", (10, 10, 60, 60), (80, 10, 130, 60), (150, 10, 200, 60), (220, 10, 290, 60))
    open_image(page, server, "2.png")
    rows = page.locator("#instances li")
    rows.nth(3).locator(".pick").click()
    rows.nth(1).locator(".pick").click(modifiers=["Shift"])
    expect(page.locator("#instances li[aria-current=true]")).to_have_count(3)
    page.keyboard.press("2")
    rows.nth(1).locator(".pick").click(modifiers=["Control"])
    expect(page.locator("#instances li[aria-current=true]")).to_have_count(2)
    page.keyboard.press("m")
    expect(rows).to_have_count(3)
    saved(page)
    assert sorted(areas(server, number)) == [2500, 3500, 5000]
    page.locator("#mask-search").fill("dog")
    expect(rows).to_have_count(2)
    page.locator("#mask-search").fill("")
    page.locator("#mask-sort").select_option("largest")
    expect(rows.first).to_contain_text("5000")
    page.keyboard.press("Escape")
    page.locator("#stage").press("Control+a")
    page.keyboard.press("Delete")
    expect(rows).to_have_count(0)
    page.keyboard.press("Control+z")
    expect(rows).to_have_count(3)
    page.locator("#mask-sort").select_option("newest")
    saved(page)


def test_a_polygon_keeps_its_corners_and_adds_to_and_cuts_from_the_selected_mask(page: Page, server: Served) -> None:
    number = image_id(server, "3.png")
    open_image(page, server, "3.png")
    page.keyboard.press("p")

    def draw(*corners: tuple[float, float], held: str = "") -> None:
        for x, y in corners:
            at = place(page, x, y)
            if held:
                page.keyboard.down(held)
            page.mouse.click(*at)
            if held:
                page.keyboard.up(held)
        page.keyboard.press("Enter")

    draw((0.1, 0.1), (0.4, 0.1), (0.4, 0.5), (0.1, 0.5))
    saved(page)
    assert areas(server, number) == [pytest.approx(90 * 80, rel=0.03)]
    page.mouse.move(*place(page, 0.4, 0.5))
    page.mouse.down()
    page.mouse.move(*place(page, 0.6, 0.7), steps=3)
    page.mouse.up()
    saved(page)
    moved = areas(server, number)[0]
    assert moved > 90 * 80 * 1.15
    page.mouse.click(*place(page, 0.6, 0.7), button="right")  # takes the corner out
    saved(page)
    assert areas(server, number) == [pytest.approx(90 * 80 / 2, rel=0.05)]
    draw((0.6, 0.1), (0.9, 0.1), (0.9, 0.4), held="Shift")
    saved(page)
    assert len(server.masks(number)) == 1
    more = areas(server, number)[0]
    assert more == pytest.approx(90 * 80 / 2 + 90 * 60 / 2, rel=0.06)
    draw((0.6, 0.05), (0.95, 0.05), (0.95, 0.6), (0.6, 0.6), held="Alt")
    saved(page)
    assert areas(server, number) == [pytest.approx(90 * 80 / 2, rel=0.06)]
    page.keyboard.press("Enter")
    page.mouse.move(*place(page, 0.7, 0.6))
    page.mouse.down()  # a lasso
    for x, y in ((0.9, 0.6), (0.9, 0.9), (0.7, 0.9), (0.7, 0.65)):
        page.mouse.move(*place(page, x, y), steps=4)
    page.mouse.up()
    expect(page.locator("#instances li")).to_have_count(2)
    saved(page)


def test_proposals_from_part_to_whole_several_at_once_and_those_that_are_taken(page: Page, server: Served) -> None:
    number = image_id(server, "4.png")
    open_image(page, server, "4.png")
    page.keyboard.press("r")
    expect(page.locator("#waiting")).to_be_hidden(timeout=SLOW)
    page.mouse.move(*place(page, 0.5, 0.5))
    page.wait_for_timeout(100)
    sizes = [painted(page)]
    for _ in range(6):
        page.keyboard.press(".")
        page.wait_for_timeout(50)
        sizes.append(painted(page))
    assert sizes == sorted(sizes)  # coarser never shows less
    page.mouse.click(*place(page, 0.5, 0.5))
    saved(page)
    (largest,) = areas(server, number)
    assert largest > 0


def test_the_preview_is_what_a_click_makes_without_overlap_too(page: Page, server: Served) -> None:
    number = boxes(server, "5.png", (0, 0, 150, 200))
    open_image(page, server, "5.png")
    page.keyboard.press("q")
    page.locator("#claim").check()
    page.locator("#shown").uncheck()
    page.locator("#shown").check()
    page.locator("#opacity").fill("0")
    page.mouse.move(*place(page, 0.6, 0.5))
    expect(page.locator("#speed")).to_contain_text("preview")
    page.wait_for_timeout(200)
    shown = page.evaluate(
        """() => {
          const canvas = document.querySelector('#masks'), context = canvas.getContext('2d');
          const data = context.getImageData(0, 0, canvas.width, canvas.height).data;
          let count = 0;
          for (let i = 0; i < data.length; i += 4) if (data[i] === 255 && data[i + 3] > 100) count++;
          return count;
        }"""
    )
    page.mouse.click(*place(page, 0.6, 0.5))
    saved(page)
    box = page.locator("#stage").bounding_box()
    assert box is not None
    scale = min(box["width"] / 300, box["height"] / 200) * 0.98
    assert shown == pytest.approx(areas(server, number)[1] * scale**2, rel=0.04)
    page.locator("#claim").uncheck()
    page.locator("#opacity").fill("45")


def test_the_slider_goes_from_part_to_whole(page: Page, server: Served) -> None:
    number = image_id(server, "6.png")
    open_image(page, server, "6.png")
    page.mouse.click(*place(page, 0.5, 0.45))
    sizes = []
    for level in range(int(page.locator("#level").get_attribute("max") or 0) + 1):
        page.locator("#level").fill(str(level))
        saved(page)
        sizes += areas(server, number)
    assert sizes == sorted(sizes)
    assert len(sizes) > 1


def test_a_filter_keeps_the_open_image_until_one_moves_on(page: Page, server: Served) -> None:
    open_image(page, server, "2.png")
    page.locator("#filter").select_option("state:progress")
    names = page.locator("#images .name")
    before = names.all_inner_texts()
    assert "7.png" not in before
    page.keyboard.press("Escape")
    page.locator("#stage").press("Control+Enter")  # done: it leaves the filter, and the next image is one of it
    expect(page.locator("#images li[aria-selected=true]")).to_contain_text("3.png", timeout=SLOW)
    saved(page)
    expect(names.filter(has_text="2.png")).to_have_count(0, timeout=SLOW)
    page.locator("#filter").select_option("empty")
    expect(names.filter(has_text="7.png")).to_have_count(1)
    page.locator("#filter").select_option("")
    page.locator("#search").fill("3")
    page.locator("#search").press("Enter")
    expect(page.locator("#images li[aria-selected=true]")).to_contain_text("2.png", timeout=SLOW)
    page.locator("#search").fill("")


def test_tidying_up_is_shown_before_it_is_done(page: Page, server: Served) -> None:
    number = boxes(server, "7.png", (50, 50, 150, 150), (50, 50, 150, 150))
    open_image(page, server, "7.png")
    page.locator("#instances li").first.locator(".pick").click()
    page.locator("#smooth").fill("6")
    expect(page.locator("#hint")).to_contain_text("10,000 pixels become")
    assert areas(server, number) == [10_000, 10_000]
    page.keyboard.press("k")
    saved(page)
    assert 9_000 < areas(server, number)[1] < 10_000
    page.locator("#smooth").fill("0")
