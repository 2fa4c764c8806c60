"""What people do with the annotator's page, done in Chromium."""

from pathlib import Path
from typing import Any

import httpx
import numpy as np
import pytest
from PIL import Image

from tamis.arrays import MaskArray
from tamis.clicks import Click
from tamis.image import read_image
from tamis.jobs.demo import sample
from tamis.mask import Masks
from tamis.segmentors.embedded.model import Embedded

playwright = pytest.importorskip("playwright.sync_api")

from playwright.sync_api import APIResponse, Browser, Page, Route, expect  # noqa: E402

from tests.web.browser import (  # noqa: E402
    CHROMIUM,
    NO_CHROMIUM,
    SHAPES,
    Served,
    disc,
    event,
    image_id,
    open_image,
    painted,
    picture,
    place,
    saved,
    served,
)

pytestmark = pytest.mark.skipif(CHROMIUM is None, reason=NO_CHROMIUM)


def test_a_mask_shows_under_the_pointer_and_a_click_keeps_what_the_library_finds(page: Page, server: Served) -> None:
    open_image(page, server, "a.png")
    page.mouse.move(*place(page, 0.5, 0.5))
    expect(page.locator("#speed")).to_contain_text("preview")
    assert painted(page) > 10_000
    page.mouse.click(*place(page, 0.5, 0.5))
    saved(page)
    (mask,) = server.masks(image_id(server, "a.png"))
    clicks = [Click(**click) for click in mask["clicks"]]
    expected = Embedded().encode(read_image(server.folder / "a.png")).probability(clicks) > 0.5
    assert mask["rle"] == rle(expected)


def test_a_right_click_takes_away_and_its_pixel_is_out(page: Page, server: Served) -> None:
    open_image(page, server, "a.png")
    page.mouse.click(*place(page, 0.5, 0.5))
    page.mouse.click(*place(page, 0.56, 0.5), button="right")
    saved(page)
    (mask,) = server.masks(image_id(server, "a.png"))
    assert [click["positive"] for click in mask["clicks"]] == [True, False]
    dense = Masks.from_coco([mask["rle"]])[0]
    for click in mask["clicks"]:
        assert dense[int(click["y"]), int(click["x"])] == click["positive"]


def test_further_clicks_correct_the_mask_one_after_the_other_however_fast(page: Page, server: Served) -> None:
    open_image(page, server, "a.png")
    for x, y in ((0.5, 0.5), (0.1, 0.15), (0.56, 0.5)):
        page.mouse.click(*place(page, x, y), button="right" if x == 0.56 else "left")
    expect(page.locator("#instances li")).to_have_count(1)
    saved(page)
    (mask,) = server.masks(image_id(server, "a.png"))
    clicks = [Click(**click) for click in mask["clicks"]]
    assert [click.positive for click in clicks] == [True, True, False]
    expected = Embedded().encode(read_image(server.folder / "a.png")).probability(clicks) > 0.5
    assert mask["rle"] == rle(expected)


def test_without_the_server_a_correction_is_rough_and_the_page_says_so(page: Page, server: Served) -> None:
    open_image(page, server, "a.png")
    page.mouse.click(*place(page, 0.5, 0.5))
    saved(page)
    server.kill()
    page.mouse.click(*place(page, 0.1, 0.15))
    expect(page.get_by_text("rough one of the page")).to_be_visible(timeout=15_000)
    server.start()
    saved(page)
    (mask,) = server.masks(image_id(server, "a.png"))
    assert len(mask["clicks"]) == 2
    assert Masks.from_coco([mask["rle"]])[0][int(0.15 * 200), int(0.1 * 300)]


def test_brush_eraser_undo_and_redo_survive_a_reload(page: Page, server: Served) -> None:
    open_image(page, server, "a.png")
    number = image_id(server, "a.png")
    page.keyboard.press("b")
    for tool, (x, y) in (("b", (0.2, 0.2)), ("b", (0.2, 0.5)), ("e", (0.2, 0.3))):
        page.keyboard.press(tool)
        page.mouse.move(*place(page, x, y))
        page.mouse.down()
        page.mouse.move(*place(page, x, y + 0.15), steps=4)
        page.mouse.up()
    saved(page)
    erased = server.masks(number)
    page.keyboard.press("Control+z")
    saved(page)
    painted_mask = server.masks(number)
    assert Masks.from_coco([painted_mask[0]["rle"]]).areas > Masks.from_coco([erased[0]["rle"]]).areas
    open_image(page, server, "a.png")
    page.keyboard.press("Control+Shift+z")
    saved(page)
    assert server.masks(number) == erased
    for _ in range(3):
        page.keyboard.press("Control+z")
    expect(page.locator("#instances li")).to_have_count(0)
    expect(page.locator("#undo")).to_be_disabled()


def test_an_image_is_left_only_when_all_of_it_is_saved(page: Page, server: Served) -> None:
    open_image(page, server, "a.png")
    held: list[tuple[Route, APIResponse]] = []

    def late(route: Route) -> None:
        if route.request.method == "POST" and not held:
            held.append((route, route.fetch()))  # the server has it, the page does not know
        else:
            route.continue_()

    page.route("**/events", late)
    page.mouse.click(*place(page, 0.5, 0.5))
    for _ in range(100):  # the click is answered before it is sent
        if held:
            break
        page.wait_for_timeout(100)
    page.keyboard.press("Control+Enter")  # one more event, while the first is on its way
    page.wait_for_timeout(300)
    held[0][0].fulfill(response=held[0][1])
    saved(page)
    assert [each["state"] for each in server.get("api/images")["images"] if each["name"] == "a.png"] == ["done"]


def test_everything_can_be_done_from_the_keyboard_but_pointing(page: Page, server: Served) -> None:
    open_image(page, server, "a.png")
    page.mouse.click(*place(page, 0.5, 0.5))
    page.keyboard.press("2")
    expect(page.locator("#instances li")).to_contain_text("dog")
    page.keyboard.press("Enter")
    expect(page.locator("#instances li")).to_have_attribute("aria-current", "false")
    page.keyboard.press("?")
    expect(page.locator("#dialog")).to_contain_text("Next image")
    page.keyboard.press("Escape")
    page.keyboard.press("Control+Enter")
    expect(page.locator("#images li[aria-selected=true]")).to_contain_text("turned.jpg")
    saved(page)
    assert {each["name"]: each["state"] for each in server.get("api/images")["images"]}["a.png"] == "done"
    page.keyboard.press("a")
    expect(page.locator("#images li[aria-selected=true]")).to_contain_text("a.png")


def test_every_control_has_a_name_and_html_in_names_is_text(page: Page, server: Served) -> None:
    open_image(page, server)
    expect(page.locator("#images li", has_text="<b>b.png")).to_have_count(1)
    for control in page.locator("button:visible, input:visible, select:visible, textarea:visible").all():
        name = control.evaluate("(e) => e.ariaLabel || e.textContent.trim() || e.labels?.[0]?.textContent.trim()")
        assert name, control.evaluate("(e) => e.outerHTML")
    expect(page.locator("#images")).to_have_role("listbox")
    expect(page.locator("#tools")).to_have_role("toolbar")
    expect(page.locator("#stage")).to_have_role("application")
    expect(page.locator("#saving")).to_have_role("status")


def test_a_photograph_is_upright_and_its_masks_fit_it(page: Page, server: Served) -> None:
    open_image(page, server, "turned.jpg")
    page.mouse.click(*place(page, 0.5, 0.5))
    saved(page)
    (mask,) = server.masks(image_id(server, "turned.jpg"))
    assert mask["rle"]["size"] == [200, 300]


def test_polygon_box_split_merge_holes_and_islands(page: Page, server: Served) -> None:
    open_image(page, server, "a.png")
    number = image_id(server, "a.png")
    page.keyboard.press("p")
    for x, y in ((0.1, 0.1), (0.3, 0.1), (0.3, 0.4), (0.1, 0.4)):
        page.mouse.click(*place(page, x, y))
    page.keyboard.press("Enter")
    saved(page)
    (square,) = server.masks(number)
    assert Masks.from_coco([square["rle"]]).areas[0] == pytest.approx(60 * 60, rel=0.05)
    page.keyboard.press("w")
    page.mouse.move(*place(page, 0.25, 0.1))
    page.mouse.down()
    page.mouse.move(*place(page, 0.75, 0.9), steps=3)
    page.mouse.up()
    expect(page.locator("#instances li")).to_have_count(2)
    page.keyboard.press("v")
    page.mouse.click(*place(page, 0.15, 0.3))
    page.keyboard.press("m")
    expect(page.locator("#hint")).to_contain_text("Click the mask to merge with")
    page.mouse.click(*place(page, 0.5, 0.5))
    expect(page.locator("#instances li")).to_have_count(1)
    page.keyboard.press("i")
    page.keyboard.press("f")
    page.keyboard.press("Delete")
    expect(page.locator("#instances li")).to_have_count(0)
    saved(page)


def test_regions_are_taken_by_a_click(page: Page, server: Served) -> None:
    open_image(page, server, "a.png")
    page.keyboard.press("r")
    expect(page.locator("#waiting")).to_be_hidden(timeout=20_000)
    page.mouse.click(*place(page, 0.5, 0.5))
    expect(page.locator("#instances li")).to_have_count(1)
    saved(page)


def test_two_people_do_not_overwrite_each_other(browser: Browser, page: Page, server: Served) -> None:
    open_image(page, server, "a.png")
    page.mouse.click(*place(page, 0.5, 0.5))
    saved(page)
    other = browser.new_context(viewport={"width": 1280, "height": 800}).new_page()
    open_image(other, server, "a.png")
    expect(other.locator("#banner")).to_contain_text("is editing this image")
    other.mouse.click(*place(other, 0.1, 0.1))
    assert len(server.masks(image_id(server, "a.png"))) == 1
    # Who has taken over reads the image again; a click before that would be on none.
    with other.expect_response(lambda told: told.url.endswith("/answers") and told.status == 200):
        other.get_by_role("button", name="Take over").click()
    expect(other.locator("#banner")).to_be_hidden()
    expect(other.locator("#waiting")).to_be_hidden(timeout=20_000)
    other.mouse.click(*place(other, 0.1, 0.1))
    expect(other.locator("#instances li")).to_have_count(2)
    saved(other)
    assert len(server.masks(image_id(server, "a.png"))) == 2
    page.keyboard.press("Enter")
    page.mouse.click(*place(page, 0.9, 0.9))
    expect(page.locator("#banner")).to_be_visible()
    expect(page.locator("#saving")).to_contain_text("NOT SAVED")
    other.context.close()


def test_nothing_is_lost_while_the_server_is_gone(page: Page, server: Served) -> None:
    open_image(page, server, "a.png")
    page.mouse.click(*place(page, 0.5, 0.5))
    saved(page)
    server.kill()
    page.keyboard.press("Enter")
    page.mouse.click(*place(page, 0.1, 0.1))
    expect(page.locator("#saving")).to_contain_text("NOT SAVED", timeout=10_000)
    expect(page.locator("#instances li")).to_have_count(2)
    server.start()
    saved(page)
    assert len(server.masks(image_id(server, "a.png"))) == 2


def test_what_was_not_sent_before_a_reload_is_sent_after_it(page: Page, server: Served) -> None:
    open_image(page, server, "a.png")
    page.route(
        "**/api/images/*/events", lambda route: route.abort() if route.request.method == "POST" else route.fallback()
    )
    page.mouse.click(*place(page, 0.5, 0.5))
    expect(page.locator("#saving")).to_contain_text("NOT SAVED", timeout=10_000)
    page.unroute_all()
    page.on("dialog", lambda dialog: dialog.accept())
    open_image(page, server, "a.png")
    saved(page)
    expect(page.locator("#instances li")).to_have_count(1)
    assert len(server.masks(image_id(server, "a.png"))) == 1


def test_five_hundred_masks_on_an_image(page: Page, server: Served) -> None:
    number = image_id(server, "a.png")
    label = server.get("api/project")["labels"][0]["id"]
    lease = httpx.post(f"{server.url}api/images/{number}/lease", json={"client": "script"}).json()["lease"]
    events = []
    for i in range(500):
        dense = np.zeros((200, 300), bool)
        dense[i // 25 * 10 : i // 25 * 10 + 8, i % 25 * 12 : i % 25 * 12 + 10] = True
        body = {"id": f"m{i}", "label": label, "rle": rle(dense), "tool": "script"}
        events.append(event(f"e{i}", "mask.set", body))
    sent = {"client": "script", "lease": lease, "base": 0, "events": events}
    assert httpx.post(f"{server.url}api/images/{number}/events", json=sent, timeout=30).status_code == 200
    httpx.delete(f"{server.url}api/images/{number}/lease", params={"lease": lease})
    open_image(page, server, "a.png")
    expect(page.locator("#instances li")).to_have_count(500)
    page.mouse.click(*place(page, 0.5, 0.5))
    expect(page.locator("#instances li")).to_have_count(501)
    saved(page)


def rle(mask: MaskArray) -> dict[str, Any]:
    told = Masks.from_dense(mask[None]).coco()[0]
    return {"size": list(told["size"]), "counts": told["counts"].decode()}


def test_twenty_four_megapixels(page: Page, folder: Path) -> None:
    Image.fromarray(disc(400, 600)).resize((6000, 4000)).save(folder / "large.jpg", quality=90)
    SHAPES["large.jpg"] = (6000, 4000)
    with served(folder) as server:
        open_image(page, server, "large.jpg")
        page.mouse.click(*place(page, 0.5, 0.5))
        saved(page)
        (mask,) = server.masks(image_id(server, "large.jpg"))
        area = Masks.from_coco([mask["rle"]]).areas[0]
        assert area == pytest.approx(np.pi * (4000 / 3) ** 2, rel=0.05)


def test_readonly_shows_and_changes_nothing(page: Page, folder: Path) -> None:
    with served(folder):
        pass  # makes the project
    with served(folder, "--readonly") as server:
        open_image(page, server, "a.png")
        page.mouse.click(*place(page, 0.5, 0.5))
        expect(page.locator("#hint")).to_contain_text("read-only")
        assert server.masks(image_id(server, "a.png")) == []


def test_a_segmentor_without_a_table_is_asked_for_each_mask(page: Page, folder: Path) -> None:
    with served(folder, "--segmentor", "grabcut") as server:
        open_image(page, server, "a.png")
        page.mouse.click(*place(page, 0.5, 0.5))
        expect(page.locator("#instances li")).to_have_count(1, timeout=20_000)
        saved(page)


def test_a_label_that_somebody_else_adds_appears(page: Page, server: Served) -> None:
    open_image(page, server, "a.png")
    httpx.post(f"{server.url}api/labels", json={"action": "add", "name": "bird"}).raise_for_status()
    expect(page.locator("#labels li")).to_have_count(3)
    page.get_by_label("New label").fill("fish")
    page.get_by_role("button", name="Add").click()
    expect(page.locator("#labels li").last).to_contain_text("fish")
    page.get_by_role("button", name="Delete label bird").click()
    expect(page.locator("#labels li")).to_have_count(3)


def test_an_export_is_a_download_and_an_empty_one_a_sentence(page: Page, server: Served, tmp_path: Path) -> None:
    open_image(page, server, "a.png")
    page.locator("#export").click()
    page.get_by_role("button", name="Download").click()
    expect(page.locator("#dialog")).to_contain_text("Nothing was exported")
    page.keyboard.press("Escape")
    page.mouse.click(*place(page, 0.5, 0.5))
    saved(page)
    page.locator("#export").click()
    with page.expect_download() as download:
        page.get_by_role("button", name="Download").click()
    assert download.value.suggested_filename.endswith(".zip")


def test_statistics_and_a_narrow_window(page: Page, server: Served) -> None:
    open_image(page, server, "a.png")
    page.mouse.click(*place(page, 0.5, 0.5))
    saved(page)
    page.locator("#statistics").click()
    expect(page.locator("#dialog")).to_contain_text("seconds a mask")
    page.keyboard.press("Escape")
    page.set_viewport_size({"width": 800, "height": 600})
    page.emulate_media(color_scheme="dark")
    page.get_by_role("button", name="Masks", exact=True).click()
    expect(page.locator("#instances li")).to_be_visible()


def test_real_photographs_with_the_tools_that_the_documentation_shows(page: Page, tmp_path: Path) -> None:
    folder = tmp_path / "demo"
    folder.mkdir()
    for name in ("coffee", "astronaut", "chelsea"):
        Image.fromarray(sample(name)).save(folder / f"{name}.png")
    SHAPES["coffee.png"] = (600, 400)
    with served(folder, "--labels", "cup,table", "--user", "anna") as server:
        open_image(page, server, "coffee.png")
        page.mouse.click(*place(page, 0.35, 0.3))
        page.keyboard.press("Enter")
        page.keyboard.press("2")
        page.mouse.move(*place(page, 0.85, 0.85))
        saved(page)
        expect(page.locator("#instances li")).to_have_count(1)
        picture(page, "annotate")
        page.emulate_media(color_scheme="dark")
        page.keyboard.press("r")
        expect(page.locator("#waiting")).to_be_hidden(timeout=20_000)
        page.mouse.move(*place(page, 0.3, 0.5))
        picture(page, "annotate-regions")


def test_shortcuts_of_a_keyboard_with_other_letters(page: Page, server: Served) -> None:
    open_image(page, server, "a.png")

    def press(key: str, code: str, **held: bool) -> None:
        told = {"key": key, "code": code, "bubbles": True, "cancelable": True, **held}
        page.evaluate("(told) => document.body.dispatchEvent(new KeyboardEvent('keydown', told))", told)

    def chosen(tool: str) -> None:
        expect(page.locator(f"#tool-{tool}")).to_have_attribute("aria-pressed", "true")

    for key, code, tool in (
        ("и", "KeyB", "brush"),
        ("π", "KeyP", "polygon"),
        ("ц", "KeyW", "box"),
        ("й", "KeyQ", "click"),
    ):
        press(key, code)
        chosen(tool)
    press("é", "Digit2")
    page.mouse.click(*place(page, 0.5, 0.5))
    saved(page)
    number = image_id(server, "a.png")
    labels = {label["id"]: label["name"] for label in server.get("api/project")["labels"]}
    assert [labels[mask["label"]] for mask in server.masks(number)] == ["dog"]
    press("@", "KeyQ", ctrlKey=True, altKey=True)
    press("ą", "KeyA", ctrlKey=True, altKey=True)
    chosen("click")
    assert page.url.endswith("#a.png")
    press("я", "KeyZ", ctrlKey=True)
    saved(page)
    assert server.masks(number) == []
