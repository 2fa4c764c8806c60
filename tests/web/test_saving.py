"""What the page says of its work being saved, and what becomes of work that is under way.

The server is killed here as a crash or a closed laptop would.
"""

import shutil
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

playwright = pytest.importorskip("playwright.sync_api")

from playwright.sync_api import Browser, Page, Route, expect  # noqa: E402

from tests.web.browser import (  # noqa: E402
    CHROMIUM,
    NO_CHROMIUM,
    Served,
    discs,
    image_id,
    open_image,
    opened_page,
    place,
    saved,
    served,
)

pytestmark = pytest.mark.skipif(CHROMIUM is None, reason=NO_CHROMIUM)

SLOW = 30_000
"""Milliseconds: a starved machine takes its time."""


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """One server for all of these tests, which leave the images as they find them."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("TAMIS_CACHE", str(tmp_path_factory.mktemp("cache")))
        with served(discs(tmp_path_factory.mktemp("saving") / "photos"), "--labels", "cat,dog") as running:
            yield running


@pytest.fixture
def page(browser: Browser, server: Served) -> Iterator[Page]:
    with opened_page(browser) as opened:
        yield opened
    for image in server.get("api/images")["images"]:
        lease = httpx.post(
            f"{server.url}api/images/{image['id']}/lease", json={"client": "cleaner", "takeover": True}, timeout=30
        ).json()["lease"]
        masks = [mask["id"] for mask in server.masks(image["id"])]
        seq = server.get(f"api/images/{image['id']}/events")["seq"]
        gone = {"uuid": f"gone-{image['id']}-{seq}", "kind": "masks.set", "body": {"set": [], "deleted": masks}}
        sent = {"client": "cleaner", "lease": lease, "base": seq, "events": [gone]}
        httpx.post(f"{server.url}api/images/{image['id']}/events", json=sent, timeout=30).raise_for_status()
        httpx.delete(f"{server.url}api/images/{image['id']}/lease", params={"lease": lease}, timeout=30)


def current(page: Page, name: str) -> None:
    expect(page.locator("#images li[aria-selected=true]")).to_contain_text(name, timeout=SLOW)


def test_saved_is_not_said_while_a_click_waits_for_its_answer_and_the_image_is_not_left(
    page: Page, server: Served
) -> None:
    open_image(page, server, "a.png")
    page.mouse.move(*place(page, 0.5, 0.5))
    page.mouse.click(*place(page, 0.5, 0.5))
    saved(page)
    held: list[Route] = []
    page.route("**/mask", lambda route: held.append(route))
    page.mouse.click(*place(page, 0.1, 0.15))
    page.mouse.click(*place(page, 0.56, 0.5), button="right")
    expect(page.locator("#saving")).to_have_text("saving …")
    page.keyboard.press("d")
    page.wait_for_timeout(700)  # longer than any event takes to be sent
    expect(page.locator("#saving")).to_have_text("saving …")
    current(page, "a.png")
    page.route("**/mask", lambda route: route.continue_())
    for route in held:
        route.continue_()
    current(page, "turned.jpg")
    saved(page)
    (mask,) = server.masks(image_id(server, "a.png"))
    assert [click["positive"] for click in mask["clicks"]] == [True, True, False]
    assert server.masks(image_id(server, "turned.jpg")) == []


def test_what_waits_is_sent_whatever_image_is_open_and_an_image_asked_for_meanwhile_comes_by_itself(
    page: Page, server: Served
) -> None:
    open_image(page, server, "a.png")
    first, second = image_id(server, "a.png"), image_id(server, "turned.jpg")
    server.kill()
    page.mouse.click(*place(page, 0.5, 0.5))
    expect(page.locator("#instances li")).to_have_count(1)
    expect(page.locator("#saving")).to_contain_text("NOT SAVED (1)", timeout=SLOW)
    page.keyboard.press("d")
    expect(page.locator("#waiting")).to_contain_text("turned.jpg opens when it is back", timeout=SLOW)
    expect(page.locator("#images li", has_text="a.png")).to_contain_text("1 not saved yet")
    server.start()
    saved(page)
    expect(page.locator("#waiting")).to_be_hidden(timeout=SLOW)
    current(page, "turned.jpg")
    assert (len(server.masks(first)), len(server.masks(second))) == (1, 0)


def test_after_a_reload_the_page_counts_what_waits_of_every_image_and_says_who_stands_in_the_way(
    page: Page, server: Served
) -> None:
    number = image_id(server, "a.png")
    open_image(page, server, "a.png")
    page.route("**/events", lambda route: route.abort() if route.request.method == "POST" else route.continue_())
    page.mouse.click(*place(page, 0.5, 0.5))
    expect(page.locator("#saving")).to_contain_text("NOT SAVED (1)", timeout=SLOW)
    lease = {"client": "another", "user": "ben", "takeover": True}
    httpx.post(f"{server.url}api/images/{number}/lease", json=lease, timeout=30).raise_for_status()
    page.on("dialog", lambda dialog: dialog.accept())
    page.unroute_all(behavior="ignoreErrors")
    open_image(page, server, "turned.jpg")
    expect(page.locator("#saving")).to_contain_text("NOT SAVED (1): ben is editing a.png", timeout=SLOW)
    expect(page.locator("#images li", has_text="a.png")).to_contain_text("1 not saved yet")
    held = httpx.post(f"{server.url}api/images/{number}/lease", json=lease, timeout=30).json()["lease"]
    httpx.delete(f"{server.url}api/images/{number}/lease", params={"lease": held}, timeout=30)
    expect(page.locator("#saving")).to_have_text("saved", timeout=SLOW)
    assert len(server.masks(number)) == 1
    current(page, "turned.jpg")


def test_a_database_that_is_gone_is_noticed_and_nothing_is_lost(page: Page, server: Served) -> None:
    open_image(page, server, "a.png")
    file = server.folder / ".tamis" / "project.sqlite"
    away = server.folder / ".tamis" / "away.sqlite"
    file.rename(away)
    expect(page.locator("#saving")).to_contain_text("NOTHING IS BEING SAVED", timeout=5000)
    page.mouse.click(*place(page, 0.5, 0.5))
    expect(page.locator("#saving")).to_contain_text("1 kept in this browser", timeout=SLOW)
    shutil.copy(away, file)
    expect(page.locator("#saving")).to_contain_text("is another file than it was", timeout=5000)
    file.unlink()
    away.rename(file)
    expect(page.locator("#saving")).to_have_text("saved", timeout=SLOW)
    assert len(server.masks(image_id(server, "a.png"))) == 1


def test_what_is_begun_belongs_to_its_image(page: Page, server: Served) -> None:
    open_image(page, server, "a.png")
    page.keyboard.press("p")
    for x, y in ((0.1, 0.1), (0.3, 0.1), (0.3, 0.4), (0.1, 0.4)):
        page.mouse.click(*place(page, x, y))
    page.keyboard.press("d")
    current(page, "turned.jpg")
    expect(page.locator("#waiting")).to_be_hidden(timeout=SLOW)
    saved(page)
    assert len(server.masks(image_id(server, "a.png"))) == 1  # enough for a mask: it was finished
    for x, y in ((0.1, 0.1), (0.3, 0.1)):
        page.mouse.click(*place(page, x, y))
    page.keyboard.press("a")
    current(page, "a.png")
    expect(page.locator("#waiting")).to_be_hidden(timeout=SLOW)
    page.keyboard.press("Enter")
    saved(page)
    assert server.masks(image_id(server, "turned.jpg")) == []  # two corners are none: they were dropped
    assert len(server.masks(image_id(server, "a.png"))) == 1


def test_undo_takes_back_the_last_corner_and_escape_one_step(page: Page, server: Served) -> None:
    open_image(page, server, "a.png")
    page.keyboard.press("p")
    for x, y in ((0.1, 0.1), (0.3, 0.1), (0.3, 0.4), (0.9, 0.9)):
        page.mouse.click(*place(page, x, y))
    page.keyboard.press("Control+z")
    page.mouse.click(*place(page, 0.1, 0.4))
    page.mouse.click(*place(page, 0.8, 0.9))
    page.keyboard.press("Escape")
    page.keyboard.press("Enter")
    saved(page)
    (square,) = server.masks(image_id(server, "a.png"))
    assert [[round(x / 30), round(y / 20)] for x, y in square["polygon"]] == [[1, 1], [3, 1], [3, 4], [1, 4]]
    page.keyboard.press("Enter")
    page.keyboard.press("q")
    page.mouse.click(*place(page, 0.5, 0.5))
    page.mouse.click(*place(page, 0.8, 0.15))
    expect(page.locator("#saving")).to_have_text("saved", timeout=SLOW)
    page.keyboard.press("Escape")  # the last click, not the mask
    saved(page)
    assert [len(mask.get("clicks", [])) for mask in server.masks(image_id(server, "a.png"))] == [0, 1]
    page.keyboard.press("Escape")
    saved(page)
    assert len(server.masks(image_id(server, "a.png"))) == 1


def test_a_click_whose_answer_a_reload_cuts_off_is_asked_again(page: Page, server: Served) -> None:
    reloading: list[bool] = []
    open_image(page, server, "a.png")
    page.mouse.click(*place(page, 0.5, 0.5))
    expect(page.locator("#instances li")).to_have_count(1, timeout=SLOW)
    saved(page)
    # Nothing is answered before the reload, which must not be let through by taking the route away.
    page.route("**/mask", lambda route: route.continue_() if reloading else None)
    page.mouse.click(*place(page, 0.1, 0.15))
    expect(page.locator("#saving")).to_have_text("saving …")
    page.on("dialog", lambda dialog: dialog.accept())
    reloading.append(True)
    open_image(page, server, "a.png")
    expect(page.locator("#instances li")).to_have_count(1, timeout=SLOW)
    for _ in range(100):  # the click is forgotten for a moment before it is asked again
        (mask,) = server.masks(image_id(server, "a.png"))
        if len(mask["clicks"]) == 2:
            break
        page.wait_for_timeout(100)
    assert len(mask["clicks"]) == 2
    saved(page)
    assert page.evaluate("sessionStorage.getItem('tamis.asked') ?? '{}'") == "{}"


def test_the_files_of_the_server_tell_where_it_was(server: Served, tmp_path: Path) -> None:
    address = server.folder / ".tamis" / "project.sqlite.address"
    assert address.stat().st_mode & 0o077 == 0  # the token is for the owner's eyes
