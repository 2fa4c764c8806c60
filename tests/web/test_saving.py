"""What the page says of its work being saved, and what becomes of work that is under way."""

import pytest

playwright = pytest.importorskip("playwright.sync_api")

from playwright.sync_api import Page, Route, expect  # noqa: E402

from tests.web.browser import CHROMIUM, NO_CHROMIUM, Served, image_id, open_image, place, saved  # noqa: E402

pytestmark = pytest.mark.skipif(CHROMIUM is None, reason=NO_CHROMIUM)


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
    expect(page.locator("#images li[aria-selected=true]")).to_contain_text("a.png")
    page.route("**/mask", lambda route: route.continue_())
    for route in held:
        route.continue_()
    expect(page.locator("#images li[aria-selected=true]")).to_contain_text("turned.jpg")
    saved(page)
    (mask,) = server.masks(image_id(server, "a.png"))
    assert [click["positive"] for click in mask["clicks"]] == [True, True, False]
    assert server.masks(image_id(server, "turned.jpg")) == []
