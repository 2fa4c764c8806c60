"""Several people on one project: names, onlookers, reviews, comments, assignment, attributes and tags."""

import re
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from PIL import Image

playwright = pytest.importorskip("playwright.sync_api")

from playwright.sync_api import Browser, Locator, Page, expect  # noqa: E402

from tests.web.browser import (  # noqa: E402
    CHROMIUM,
    NO_CHROMIUM,
    SHAPES,
    Served,
    disc,
    image_id,
    opened_page,
    place,
    saved,
    served,
)

pytestmark = pytest.mark.skipif(CHROMIUM is None, reason=NO_CHROMIUM)

SLOW = 30_000

SCHEMA = """
labels:
  cat:
    attributes:
      fur: [short, long]
      asleep: yes/no
      legs: number
      name: text
tags: [night, rain]
"""


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """Reached by others, so that the page asks for a name; whoever annotates does not review."""
    place = tmp_path_factory.mktemp("people")
    folder = place / "photos"
    folder.mkdir()
    for number in range(4):
        Image.fromarray(disc(200, 300)).save(folder / f"{number}.png")
        SHAPES[f"{number}.png"] = (300, 200)
    (place / "schema.yaml").write_text(SCHEMA)
    options = ("--schema", str(place / "schema.yaml"), "--host", "0.0.0.0", "--review-by-another")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("TAMIS_CACHE", str(tmp_path_factory.mktemp("cache")))
        with served(folder, *options) as running:
            running.url = re.sub(r"//[^/:]+", "//127.0.0.1", running.url)
            yield running


def arrive(page: Page, server: Served, name: str, image: str) -> None:
    """Open the page for the first time, and say who it is."""
    page.goto(f"{server.url}#{image}")
    expect(page.locator("#dialog")).to_contain_text("Who is annotating?")
    page.locator("#dialog input").fill(name)
    page.get_by_role("button", name="Continue").click()
    expect(page.locator("#user")).to_have_text(name)
    expect(page.locator("#images li")).not_to_have_count(0)
    expect(page.locator("#waiting")).to_be_hidden(timeout=SLOW)


def test_an_onlooker_sees_masks_come_and_another_reviews(browser: Browser, server: Served) -> None:
    number = image_id(server, "0.png")
    with opened_page(browser) as anna, opened_page(browser) as ben:
        arrive(anna, server, "anna", "0.png")
        arrive(ben, server, "ben", "0.png")
        expect(ben.locator("#banner")).to_contain_text("anna is editing this image")
        anna.mouse.click(*place(anna, 0.5, 0.5))
        saved(anna)
        expect(ben.locator("#instances li")).to_have_count(1, timeout=SLOW)  # as they come
        anna.locator("#state").select_option("reviewed")
        expect(anna.locator("#hint")).to_contain_text("Somebody else has to review")
        anna.locator("#stage").press("d")
        saved(anna)
        ben.get_by_role("button", name="Take over").click()
        expect(ben.locator("#waiting")).to_be_hidden(timeout=SLOW)
        expect(ben.locator("#done")).to_be_enabled(timeout=SLOW)  # it is his now
        ben.locator("#state").select_option("rejected")
        ben.locator("#dialog textarea").fill("the rim is missing")
        ben.get_by_role("button", name="Reject", exact=True).click()
        expect(ben.locator("#reason")).to_have_text("the rim is missing")
        ben.locator("#comment").click()
        ben.mouse.click(*place(ben, 0.4, 0.4))
        ben.locator("#dialog textarea").fill("here")
        ben.get_by_role("button", name="Save").click()
        expect(ben.locator("#comments li")).to_contain_text("ben: here")
        saved(ben)
        expect(ben.locator("#images li", has_text="0.png")).to_contain_text("1 open comments")
        assert server.get("api/images")["images"][0]["reason"] == "the rim is missing"
        ben.get_by_role("button", name="Resolve").click()
        saved(ben)
        ben.locator("#state").select_option("reviewed")
        saved(ben)
        history = server.get(f"api/images/{number}/events")["events"]
        assert [each["user"] for each in history] == ["anna", "ben", "ben", "ben", "ben"]
        assert history[2]["body"]["by"] == "ben"
        ben.reload()
        expect(ben.locator("#user")).to_have_text("ben")  # asked once
        expect(ben.locator("#dialog")).to_be_hidden()


def test_attributes_of_masks_and_tags_of_images(browser: Browser, server: Served) -> None:
    number = image_id(server, "2.png")
    with opened_page(browser) as page:
        arrive(page, server, "anna", "2.png")
        page.mouse.click(*place(page, 0.5, 0.5))
        page.get_by_label("fur").select_option("long")
        page.get_by_label("asleep").check()
        page.get_by_label("legs").fill("4")
        page.locator("#attributes").get_by_label("name").fill("Tom")
        page.locator("#attributes").get_by_label("name").press("Tab")
        page.locator("#tags").get_by_role("button", name="night").click()
        saved(page)
        (mask,) = server.masks(number)
        assert mask["attributes"] == {"fur": "long", "asleep": True, "legs": 4, "name": "Tom"}
        page.mouse.click(*place(page, 0.8, 0.15))  # a correction keeps them
        saved(page)
        assert server.masks(number)[0]["attributes"]["fur"] == "long"
        page.locator("#filter").select_option("tag:night")
        expect(page.locator("#images li")).to_have_count(1)


def test_images_are_given_to_people(browser: Browser, server: Served) -> None:
    with opened_page(browser) as page:
        arrive(page, server, "ben", "3.png")
        page.locator("#user").click()
        page.get_by_label("To", exact=True).fill("anna, ben")
        page.locator("#dialog select").select_option("listed")
        page.get_by_role("button", name="Assign").click()
        expect(page.locator("#images li", has_text="→ ben")).to_have_count(2, timeout=SLOW)
        expect(page.locator("#images li", has_text="→ anna")).to_have_count(2)
        page.locator("#filter").select_option("mine")
        expect(page.locator("#images li", has_text="→ ben")).to_have_count(2)


def test_an_export_from_the_page_can_be_split_and_holds_the_pictures(
    browser: Browser, server: Served, tmp_path: Path
) -> None:
    with opened_page(browser) as page:
        arrive(page, server, "anna", "2.png")
        page.locator("#export").click()
        assert page.locator("#dialog-body").evaluate("(e) => e.scrollTop") == 0
        page.get_by_label("Format").select_option("yolo")
        for state in ("in progress", "to do"):
            page.get_by_role("checkbox", name=state).check()
        page.get_by_label("Split", exact=True).fill("0.5,0.5")
        with page.expect_download() as download:
            page.get_by_role("button", name="Download").click()
        download.value.save_as(tmp_path / "yolo.zip")
        with zipfile.ZipFile(tmp_path / "yolo.zip") as archive:
            archive.extractall(tmp_path)
        assert len(list(tmp_path.glob("images/train/*.png"))) == len(list(tmp_path.glob("labels/train/*.txt"))) > 0
        assert "train: images/train\nval: images/val\n" in (tmp_path / "data.yaml").read_text()
        expect(page.locator("#dialog")).to_contain_text("yolo has no place for attributes of 1 masks")


def test_people_who_come_at_once_get_images_of_their_own(browser: Browser, folder: Path) -> None:
    def shown(page: Page) -> Locator:
        return page.locator("#images li[aria-selected=true] .name")

    with served(folder, "--host", "0.0.0.0") as running, opened_page(browser) as anna, opened_page(browser) as ben:
        running.url = re.sub(r"//[^/:]+", "//127.0.0.1", running.url)
        names = sorted(path.name for path in folder.iterdir() if path.is_file())
        for page, person, image in ((anna, "anna", names[0]), (ben, "ben", names[1])):
            arrive(page, running, person, "")
            expect(shown(page)).to_have_text(image)
        expect(anna.locator("#images li").nth(1)).to_contain_text("with ben")
        anna.keyboard.press("Control+Backspace")  # skipped: what comes next is not the one that ben has
        expect(shown(anna)).to_have_text(names[2])
        expect(anna.locator("#waiting")).to_be_hidden(timeout=SLOW)
        expect(anna.locator("#banner")).to_be_hidden()
