"""What the assistant proposes, on the page: accepted, dismissed, corrected, and many at once."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tamis.arrays import MaskArray
from tamis.mask import Masks

playwright = pytest.importorskip("playwright.sync_api")

from playwright.sync_api import Browser, Locator, Page, expect  # noqa: E402

from tests.web.browser import (  # noqa: E402
    CHROMIUM,
    NO_CHROMIUM,
    SHAPES,
    Served,
    image_id,
    masks_saved,
    open_image,
    opened_page,
    place,
    saved,
    served,
)
from tests.web.test_access import AXE  # noqa: E402

pytestmark = pytest.mark.skipif(CHROMIUM is None, reason=NO_CHROMIUM)

MIDDLES = {f"{number}.png": (80 + 40 * number, 110) for number in range(5)}
"""(x, y) of the disc of each image."""


SQUARE = 14
"""Half of the side of a square in the corner, where a test wants a second object."""


def disc(name: str) -> MaskArray:
    x, y = MIDDLES[name]
    rows, columns = np.mgrid[:200, :300]
    return np.asarray((rows - y) ** 2 + (columns - x) ** 2 < 50**2)


@pytest.fixture
def server(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest) -> Iterator[Served]:
    """Five images of an orange disc, each at another place."""
    monkeypatch.setenv("TAMIS_CACHE", str(tmp_path / "cache"))
    folder = tmp_path / "photos"
    folder.mkdir()
    for number, name in enumerate(MIDDLES):
        noise = np.random.default_rng(number).normal(0, 3, (200, 300, 3))
        pixels = np.where(disc(name)[..., None], (220.0, 90.0, 40.0), (30.0, 60.0, 50.0)) + noise
        if "several" in request.node.name:
            pixels[: 2 * SQUARE, : 2 * SQUARE] = (220.0, 90.0, 40.0) + noise[: 2 * SQUARE, : 2 * SQUARE]
        Image.fromarray(np.clip(pixels, 0, 255).astype(np.uint8)).save(folder / name)
        SHAPES[name] = (300, 200)
    with served(folder, "--labels", "cat,dog", "--model", request.param) as running:
        yield running


def iou(server: Served, name: str) -> float:
    (mask,) = server.masks(image_id(server, name))
    found, meant = Masks.from_coco([mask["rle"]])[0], disc(name)
    return float((found & meant).sum() / (found | meant).sum())


def finish_the_first(page: Page, server: Served, squares: bool = False) -> None:
    """A mask by a click, of the square too, done, and on the next image."""
    open_image(page, server, "0.png")
    x, y = MIDDLES["0.png"]
    page.mouse.click(*place(page, x / 300, y / 200))
    if squares:
        page.keyboard.press("Enter")
        page.mouse.click(*place(page, SQUARE / 300, SQUARE / 200))
    page.keyboard.press("Control+Enter")
    expect(page.locator("#images li[aria-selected=true]")).to_contain_text("1.png")
    expect(page.locator("#waiting")).to_be_hidden(timeout=30_000)


def without_fault(page: Page) -> None:
    """What a screen reader needs is there, and contrast, in light and in dark."""
    if not AXE.is_file():
        return  # `make test` installs it
    page.evaluate(AXE.read_text(encoding="utf-8"))
    for scheme in ("dark", "light"):
        page.emulate_media(color_scheme="dark" if scheme == "dark" else "light")
        found = page.evaluate("async () => (await axe.run()).violations.map((e) => [e.id, e.nodes.map((n) => n.html)])")
        assert found == [], (scheme, found)


@pytest.mark.parametrize("server", ["embedded"], indirect=True)
def test_a_proposal_is_accepted_dismissed_or_corrected_and_nothing_is_saved_before(page: Page, server: Served) -> None:
    finish_the_first(page, server)
    proposal = page.locator("#proposal")
    expect(proposal).to_contain_text("cat, proposed by the assistant")
    expect(page.locator("#finish")).to_have_text("Accept (Enter)")
    without_fault(page)
    assert server.masks(image_id(server, "1.png")) == []
    page.keyboard.press("2")  # a label that has no mask yet
    expect(page.locator("#proposal")).to_be_hidden()
    page.keyboard.press("1")
    expect(proposal).to_be_visible()
    page.keyboard.press("Enter")
    expect(page.locator("#proposal")).to_be_hidden()
    saved(page)
    assert server.masks(image_id(server, "1.png"))[0]["tool"] == "assistant"
    assert iou(server, "1.png") > 0.8
    page.keyboard.press("Control+z")  # it can be taken back, and is proposed again
    expect(proposal).to_be_visible()
    page.keyboard.press("Escape")
    expect(page.locator("#proposal")).to_be_hidden()
    again = page.locator("#proposal-again")
    expect(again).to_be_visible()
    saved(page)
    page.reload()  # what was rejected stays so, until somebody wants it again
    expect(again).to_be_visible(timeout=30_000)
    expect(proposal).to_be_hidden()
    again.click()
    expect(proposal).to_be_visible()
    page.keyboard.press("d")
    expect(page.locator("#waiting")).to_be_hidden(timeout=30_000)
    expect(proposal).to_be_visible()
    page.mouse.click(*place(page, 0.97, 0.05))  # a click adds to it
    saved(page)
    (mask,) = server.masks(image_id(server, "2.png"))
    assert mask["tool"] == "assistant"
    dense = Masks.from_coco([mask["rle"]])[0]
    assert dense[int(0.05 * 200), int(0.97 * 300)]
    assert (dense & disc("2.png")).sum() > 0.8 * disc("2.png").sum()  # what was proposed stays
    assert server.masks(image_id(server, "1.png")) == []


@pytest.mark.parametrize("server", ["hierarchy"], indirect=True)
def test_several_objects_become_several_masks_in_one_step(page: Page, server: Served) -> None:
    """The first image is finished with two masks of one label; on the next the disc and a square are two proposals."""
    finish_the_first(page, server, squares=True)
    proposal = page.locator("#proposal")
    expect(proposal).to_contain_text("2 objects proposed by the assistant")
    page.keyboard.press("Enter")
    expect(page.locator("#instances li")).to_have_count(2)
    saved(page)
    masks = server.masks(image_id(server, "1.png"))
    assert [mask["tool"] for mask in masks] == ["assistant"] * 2
    page.keyboard.press("Control+z")
    expect(page.locator("#instances li")).to_have_count(0)
    expect(proposal).to_be_visible()
    x, y = MIDDLES["1.png"]
    page.mouse.click(*place(page, x / 300, y / 200), button="right")  # of one of them all is taken away
    expect(page.locator("#instances li")).to_have_count(1)
    saved(page)
    (mask,) = server.masks(image_id(server, "1.png"))
    assert Masks.from_coco([mask["rle"]])[0][:40, :40].sum() > 0.9 * (2 * SQUARE) ** 2  # the other stays as it was


@pytest.mark.parametrize("server", ["hierarchy"], indirect=True)
def test_the_list_is_sorted_by_how_sure_it_is_and_many_are_decided_on_by_one_key_each(
    browser: Browser, page: Page, server: Served
) -> None:
    open_image(page, server, "0.png")
    page.locator("#review").click()
    expect(page.locator("#dialog")).to_contain_text("Finish one image with a mask of “cat” first")
    page.keyboard.press("Escape")
    finish_the_first(page, server)
    expect(page.locator("#proposal")).to_be_visible()
    label = server.get("api/project")["labels"][0]["id"]
    for order, key, reverse in (
        ("surest", "confidence", True),
        ("doubtful", "confidence", False),
        ("unlike", "distance", True),
    ):
        page.locator("#sort").select_option(order)
        expect(page.locator("#images li").last).to_contain_text("0.png")  # it waits no more
        told = {f"{each['id'] - 1}.png": each[key] for each in server.get(f"api/assistant?label={label}")["images"]}
        shown = [str(each.get_attribute("title")) for each in page.locator("#images li").all()]
        assert [told[name] for name in shown[:-1]] == sorted(told.values(), reverse=reverse)
    with opened_page(browser) as other:  # somebody else has this one open
        open_image(other, server, "4.png")
        expect(page.locator("#images li", has_text="4.png")).to_contain_text("with ")
        page.locator("#review").click()
        tiles = page.locator(".tile")
        expect(tiles.filter(has_text="waits")).to_have_count(3, timeout=10_000)
        page.get_by_label("accepted images are done").check()
        without_fault(page)
        assert "4.png" not in page.locator(".grid").inner_text()
        shares = [int(each.split("%")[0].split()[-1]) for each in tiles.all_inner_texts()]
        assert shares == sorted(shares, reverse=True)
        names = [str(each.get_attribute("title")) for each in tiles.all()]
        page.locator(".grid").press("a")
        page.locator(".grid").press("x")
        expect(tiles.nth(0)).to_contain_text("accepted")
        expect(tiles.nth(1)).to_contain_text("rejected")
        page.locator(".grid").press("ArrowLeft")
        expect(tiles.nth(1)).to_have_attribute("aria-selected", "true")
        saved(page)
    accepted = image_id(server, names[0])
    assert masks_saved(page, server, accepted)[0]["tool"] == "assistant"
    row = next(each for each in server.get("api/images")["images"] if each["id"] == accepted)
    assert row["state"] == "done"
    assert server.masks(image_id(server, names[1])) == []
    page.locator(".grid").press("ArrowLeft")
    page.locator(".grid").press("o")  # an acceptance is taken back where the image is open
    expect(page.locator("#images li[aria-selected=true]")).to_contain_text(names[0])
    expect(page.locator("#instances li")).to_have_count(1)
    page.keyboard.press("Control+z")
    page.keyboard.press("Control+z")
    expect(page.locator("#instances li")).to_have_count(0)
    saved(page)
    page.reload()  # what was rejected is not proposed again
    expect(page.locator("#images li[aria-selected=true]")).to_contain_text(names[0])
    page.locator("#review").click()
    expect(page.locator(".tile").first).to_be_visible()
    assert names[1] not in page.locator(".grid").inner_text()


def on_tile(tile: Locator, x: float, y: float) -> None:
    """Click at a place of the image, in shares of its sides, which are 300 and 200 pixels long."""
    box = tile.locator("canvas").bounding_box()
    assert box is not None
    scale = min(box["width"] / 300, box["height"] / 200)
    left, top = (box["width"] - 300 * scale) / 2, (box["height"] - 200 * scale) / 2
    tile.locator("canvas").click(position={"x": left + 300 * scale * x, "y": top + 200 * scale * y})


@pytest.mark.parametrize("server", ["hierarchy"], indirect=True)
def test_a_click_on_a_tile_corrects_what_is_proposed_there(page: Page, server: Served) -> None:
    finish_the_first(page, server)
    expect(page.locator("#proposal")).to_be_visible()
    page.locator("#sort").select_option("surest")
    expect(page.locator("#images li").last).to_contain_text("0.png")  # all have been looked at
    page.locator("#review").click()
    tiles = page.locator(".tile")
    expect(tiles.nth(1)).to_contain_text("waits", timeout=10_000)
    first, second = (str(tiles.nth(at).get_attribute("title")) for at in range(2))
    on_tile(tiles.nth(0), 0.97, 0.05)  # nothing is there yet: it adds
    expect(tiles.nth(0)).to_contain_text("corrected, clicks: 1")
    page.locator(".grid").press("u")
    expect(tiles.nth(0)).to_contain_text("waits")
    on_tile(tiles.nth(0), 0.97, 0.05)
    expect(tiles.nth(0)).to_contain_text("corrected, clicks: 1")
    page.locator(".grid").press("a")
    expect(tiles.nth(0)).to_contain_text("accepted")
    saved(page)
    (mask,) = masks_saved(page, server, image_id(server, first))
    assert mask["tool"] == "assistant"
    assert [click["positive"] for click in mask["clicks"]] == [True]
    dense = Masks.from_coco([mask["rle"]])[0]
    assert dense[int(0.05 * 200), int(0.97 * 300)]
    assert (dense & disc(first)).sum() > 0.8 * disc(first).sum()  # what was proposed stays
    row = next(each for each in server.get("api/images")["images"] if each["name"] == first)
    assert row["clicks"] == 1

    on_tile(tiles.nth(1), 0.97, 0.05)
    expect(tiles.nth(1)).to_contain_text("corrected, clicks: 1")
    page.locator(".grid").press("o")  # to be finished there, as far as it has come
    expect(page.locator("#images li[aria-selected=true]")).to_contain_text(second)
    expect(page.locator("#instances li")).to_have_count(1)
    saved(page)
    row = next(each for each in server.get("api/images")["images"] if each["name"] == second)
    assert row["state"] == "progress"


@pytest.mark.parametrize("server", ["hierarchy"], indirect=True)
def test_what_a_mask_shows_is_found_in_the_other_images(page: Page, server: Served) -> None:
    open_image(page, server, "0.png")
    expect(page.locator("#find")).to_be_disabled()
    x, y = MIDDLES["0.png"]
    page.mouse.click(*place(page, x / 300, y / 200))
    expect(page.locator("#instances li")).to_have_count(1)
    saved(page)
    page.locator("#find").click()
    tiles = page.locator(".tile")
    expect(tiles).to_have_count(4, timeout=30_000)
    expect(page.locator("#dialog-title")).to_have_text("“cat” in the other images")
    expect(tiles.filter(has_text="waits")).to_have_count(4)
    without_fault(page)
    names = [str(each.get_attribute("title")) for each in tiles.all()]
    page.locator(".grid").press("a")
    expect(tiles.nth(0)).to_contain_text("accepted")
    saved(page)
    assert masks_saved(page, server, image_id(server, names[0]))[0]["tool"] == "assistant"
    assert iou(server, names[0]) > 0.7
    page.locator(".grid").press("x")
    expect(tiles.nth(1)).to_contain_text("rejected")
    page.locator(".grid").press("Shift+A")  # all others, by one key
    expect(tiles.filter(has_text="accepted")).to_have_count(3)
    saved(page)
    assert [len(server.masks(image_id(server, name))) for name in names] == [1, 0, 1, 1]
