"""Phones, keyboards, screen readers, large images, another language."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from PIL import Image

playwright = pytest.importorskip("playwright.sync_api")

from playwright.sync_api import Browser, CDPSession, Page, expect  # noqa: E402

from tests.web.browser import (  # noqa: E402
    CHROMIUM,
    NO_CHROMIUM,
    SHAPES,
    Served,
    disc,
    image_id,
    open_image,
    opened_page,
    place,
    saved,
    served,
)

pytestmark = pytest.mark.skipif(CHROMIUM is None, reason=NO_CHROMIUM)

AXE = Path(__file__).parents[2] / "node_modules" / "axe-core" / "axe.min.js"

SLOW = 30_000


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """Two small images and one of 24 megapixels."""
    folder = tmp_path_factory.mktemp("access") / "photos"
    folder.mkdir()
    for name in ("a", "b", "c"):
        Image.fromarray(disc(200, 300)).save(folder / f"{name}.png")
        SHAPES[f"{name}.png"] = (300, 200)
    Image.fromarray(disc(400, 600)).resize((6000, 4000)).save(folder / "large.jpg", quality=90)
    Image.fromarray(disc(400, 600)).resize((1200, 800)).save(folder / "middling.jpg", quality=90)
    SHAPES.update({"large.jpg": (6000, 4000), "middling.jpg": (1200, 800)})
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("TAMIS_CACHE", str(tmp_path_factory.mktemp("cache")))
        with served(folder, "--labels", "cat,dog") as running:
            yield running


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_a_screen_reader_finds_no_fault(page: Page, server: Served, scheme: str) -> None:
    if not AXE.is_file():
        pytest.skip("there is no axe-core: `make test` installs it")
    page.emulate_media(color_scheme="dark" if scheme == "dark" else "light")
    open_image(page, server, "a.png")
    page.mouse.click(*place(page, 0.5, 0.5))
    saved(page)
    for opener in (None, "#export", "#statistics", "#user", "#help"):
        if opener:
            page.locator(opener).click()
            expect(page.locator("#dialog")).to_be_visible()
        page.evaluate(AXE.read_text(encoding="utf-8"))
        found = page.evaluate("async () => (await axe.run()).violations.map((e) => [e.id, e.nodes.map((n) => n.html)])")
        assert found == [], (opener, found)
        if opener:
            page.keyboard.press("Escape")


def test_a_mask_from_the_keyboard_alone(page: Page, server: Served) -> None:
    open_image(page, server, "b.png")
    for _ in range(60):
        page.keyboard.press("Tab")
        if page.evaluate("document.activeElement.id") == "stage":
            break
    assert page.evaluate("document.activeElement.id") == "stage"
    page.keyboard.press("ArrowRight")
    page.keyboard.press("ArrowUp")
    expect(page.locator("#images li[aria-selected=true]")).to_contain_text("b.png")
    page.keyboard.press("Space")
    expect(page.locator("#instances li")).to_have_count(1)
    page.keyboard.press("Enter")
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.id") != "stage"  # Tab leaves the image
    saved(page)


def touch(session: CDPSession, kind: str, *points: tuple[float, float]) -> None:
    told = [{"x": x, "y": y, "id": i} for i, (x, y) in enumerate(points)]
    session.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": told})


def test_a_telephone(browser: Browser, server: Served) -> None:
    number = image_id(server, "c.png")
    with opened_page(browser, viewport={"width": 390, "height": 780}, has_touch=True, is_mobile=True) as page:
        open_image(page, server, "c.png")
        assert page.evaluate("document.documentElement.scrollWidth") <= 390
        for name in ("click", "box", "brush", "eraser", "polygon", "region", "select", "pan"):
            page.locator(f"#tool-{name}").tap()
            expect(page.locator(f"#tool-{name}")).to_have_attribute("aria-pressed", "true")
        page.locator("#tool-click").tap()
        x, y = place(page, 0.5, 0.5)
        zoom = page.locator("#place").inner_text
        session = page.context.new_cdp_session(page)
        touch(session, "touchStart", (x - 20, y))
        touch(session, "touchStart", (x - 20, y), (x + 20, y))
        touch(session, "touchMove", (x - 60, y), (x + 60, y))
        touch(session, "touchMove", (x - 100, y), (x + 100, y))
        touch(session, "touchEnd")
        page.wait_for_timeout(300)
        assert server.masks(number) == []  # two fingers zoom, and leave no click
        assert zoom() != ""
        page.touchscreen.tap(*place(page, 0.5, 0.5))
        saved(page)
        assert len(server.masks(number)) == 1
        for name in ("finish", "sign"):
            box = page.locator(f"#{name}").bounding_box()
            assert box is not None
            assert box["x"] >= 0
            assert box["x"] + box["width"] <= 390
            assert box["y"] > 780 / 2  # under the thumb
            assert box["height"] >= 40
        page.locator("#sign").tap()
        page.touchscreen.tap(*place(page, 0.55, 0.5))
        saved(page)
        (mask,) = server.masks(number)
        assert [click["positive"] for click in mask["clicks"]] == [True, False]
        page.locator("#finish").tap()
        expect(page.locator("#finish")).to_be_disabled()


TIMED = """async ([kind, from, to]) => {
  const stage = document.querySelector('#stage');
  const fire = (type, x, y) => stage.dispatchEvent(new PointerEvent(type, {
    clientX: x, clientY: y, pointerId: 1, button: 0, buttons: 1, bubbles: true, pointerType: 'mouse',
  }));
  stage.setPointerCapture = () => undefined;
  fire('pointerdown', ...from);
  const times = [];
  for (let i = 1; i <= 20; i++) {
    const start = performance.now();
    fire('pointermove', from[0] + (to[0] - from[0]) * i / 20, from[1] + (to[1] - from[1]) * i / 20);
    times.push(performance.now() - start);
  }
  const start = performance.now();
  fire('pointerup', ...to);
  return { median: times.sort((a, b) => a - b)[10], end: performance.now() - start };
}"""

PROPOSALS = """async ([id, width, height]) => {
  const { Regions } = await import(new URL('web/regions.js', location.href));
  const told = await (await fetch(`api/images/${id}/proposals`)).json();
  const context = document.createElement('canvas').getContext('2d');
  const start = performance.now();
  const regions = new Regions(told.proposals.map((each) => each.rle), width, height);
  regions.draw(context, { toStage: () => ({ x: 0, y: 0 }), scale: 1 }, []);
  return performance.now() - start;
}"""

PRESSED = """(id) => {
  const start = performance.now();
  document.querySelector(id).click();
  return performance.now() - start;
}"""


def test_large_images_are_worked_on_in_the_box_of_the_mask(page: Page, server: Served) -> None:
    figures: dict[str, dict[str, float]] = {}
    for name in ("middling.jpg", "large.jpg"):
        open_image(page, server, name)
        page.mouse.click(*place(page, 0.5, 0.5))
        saved(page)
        page.keyboard.press("b")
        stroke = page.evaluate(TIMED, ["brush", place(page, 0.4, 0.5), place(page, 0.9, 0.6)])
        found = {"brush, a movement": stroke["median"], "brush, the end": stroke["end"]}
        for button in ("fill", "islands", "split"):
            found[button] = page.evaluate(PRESSED, f"#{button}")
        page.keyboard.press("Enter")
        page.keyboard.press("r")
        expect(page.locator("#waiting")).to_be_hidden(timeout=60_000)
        found["proposals"] = page.evaluate(PROPOSALS, [image_id(server, name), *SHAPES[name]])
        page.keyboard.press("q")
        saved(page)
        figures[name] = found
    print(json.dumps({name: {what: round(ms, 1) for what, ms in found.items()} for name, found in figures.items()}))
    assert figures["large.jpg"]["brush, a movement"] <= 33
    for what, milliseconds in figures["large.jpg"].items():
        assert milliseconds <= 500, what


def test_the_page_speaks_spanish(browser: Browser, server: Served) -> None:
    with opened_page(browser, locale="es-MX") as page:
        open_image(page, server, "a.png")
        expect(page.locator("#export")).to_have_text("Exportar")
        expect(page.locator("#saving")).to_have_text("guardado")
        assert page.evaluate("document.documentElement.lang") == "es"
        page.locator("#help").click()
        expect(page.locator("#dialog")).to_contain_text("Imagen siguiente")
