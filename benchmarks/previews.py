"""How long the annotator's page takes, in Chromium: a preview and a click, by size of image and number of masks.

    python -m benchmarks.previews

Medians over places of the pointer, as the page itself measures a preview, and by the clock of the browser for the rest.
"""

import shutil
import statistics
import tempfile
import time
from pathlib import Path

import httpx
import numpy as np
from PIL import Image
from playwright.sync_api import Page, sync_playwright

from tamis.jobs.demo import sample
from tamis.mask import Masks
from tests.web.browser import SHAPES, Served, event, open_image, place, saved, served

PLACES = np.random.default_rng(0).uniform(0.1, 0.9, (30, 2))


def main() -> None:
    """Measure, and print a table."""
    chromium = shutil.which("chromium") or shutil.which("chromium-browser")
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as started:
        for name, size in (("1", (1225, 817)), ("12", (4243, 2828)), ("24", (6000, 4000)), ("1-many", (1225, 817))):
            picture = Image.fromarray(sample("coffee")).resize(size, Image.Resampling.BICUBIC)
            picture.save(Path(folder) / f"{name}.jpg", quality=92)
            SHAPES[f"{name}.jpg"] = size
        browser = started.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        page = browser.new_page(viewport={"width": 1280, "height": 800})
        print(
            "| image | masks | preview | click until it is seen | until its border is drawn | table of answers |\n"
            "| --- | --- | --- | --- | --- | --- |"
        )
        with served(Path(folder)) as server:
            add_masks(server, number_of(server, "1-many.jpg"), (1225, 817), 1000)
            for name in ("1.jpg", "12.jpg", "24.jpg", "1-many.jpg"):
                print(row(page, server, name), flush=True)
        browser.close()


def row(page: Page, server: Served, name: str) -> str:
    """One row of the table."""
    open_image(page, server, name)
    previews = []
    for x, y in PLACES:
        page.mouse.move(*place(page, x, y))
        told = page.locator("#speed").text_content() or ""
        previews.append(float(told.split()[1]))
    masks = page.locator("#instances li").count()
    clicks = [click_time(page, *place(page, x, y)) for x, y in PLACES[:8]]
    saved(page)
    table = len(httpx.get(f"{server.url}api/images/{number_of(server, name)}/answers", timeout=60).content)
    width, height = SHAPES[name]
    preview, (seen, drawn) = (
        statistics.median(previews),
        (statistics.median(each) for each in zip(*clicks, strict=True)),
    )
    size = f"{width * height / 1e6:.0f} MP"
    return f"| {size} | {masks} | {preview:.1f} ms | {seen:.0f} ms | {drawn:.0f} ms | {table / 1e6:.2f} MB |"


def click_time(page: Page, x: float, y: float) -> tuple[float, float]:
    """Milliseconds from a click to the next frame, which shows its answer, and until its mask is in the list.

    The mask is finished afterwards.
    """
    page.evaluate(
        """() => {
          const stage = document.querySelector('#stage');
          window.measured = new Promise((resolve) => stage.addEventListener('pointerdown', () => {
            const start = performance.now(), since = () => performance.now() - start;
            const seen = new Promise((shown) => requestAnimationFrame(() => setTimeout(() => shown(since()))));
            const listed = new Promise((known) => new MutationObserver(() => known(since())).observe(
              document.querySelector('#instances'), { childList: true, subtree: true }));
            resolve(Promise.all([seen, listed]));
          }, { once: true, capture: true }));
        }"""
    )
    page.mouse.click(x, y)
    seen, drawn = page.evaluate("() => window.measured")
    page.keyboard.press("Enter")
    return seen, drawn


def add_masks(server: Served, number: int, size: tuple[int, int], count: int) -> None:
    """Put many small masks on an image."""
    label = server.get("api/project")["labels"][0]["id"]
    lease = httpx.post(f"{server.url}api/images/{number}/lease", json={"client": "script"}).json()["lease"]
    rows, columns = np.mgrid[: size[1], : size[0]]
    events = []
    for i in range(count):
        dense = (abs(rows - 20 - i // 40 * 32) < 12) & (abs(columns - 20 - i % 40 * 30) < 11)
        told = Masks.from_dense(dense[None]).coco()[0]
        rle = {"size": list(told["size"]), "counts": told["counts"].decode()}
        events.append(event(f"e{i}", "mask.set", {"id": f"m{i}", "label": label, "rle": rle}))
    sent = {"client": "script", "lease": lease, "base": 0, "events": events}
    httpx.post(f"{server.url}api/images/{number}/events", json=sent, timeout=60).raise_for_status()
    httpx.delete(f"{server.url}api/images/{number}/lease", params={"lease": lease})


def number_of(server: Served, name: str) -> int:
    """The number of an image, once the server knows its size."""
    while True:
        for each in server.get("api/images")["images"]:
            if each["name"] == name and each["width"]:
                return int(each["id"])
        time.sleep(0.1)


if __name__ == "__main__":
    main()
