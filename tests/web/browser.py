"""The annotator in a real browser: a server in a process of its own, and what a person does with its page."""

import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import numpy as np
from PIL import Image
from playwright.sync_api import Browser, ConsoleMessage, Page, expect

from tamis.arrays import ImageArray

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")

NO_CHROMIUM = "the page is not tried: there is no chromium on this computer"


class Served:
    """`tamis annotate` on a folder; it can be killed and started again on the same port."""

    def __init__(self, folder: Path, *options: str) -> None:
        self.folder, self.options = folder, options
        self.url = ""
        self.start()

    def start(self) -> None:
        port = self.url.rstrip("/").rpartition(":")[2] or "0"
        command = [
            sys.executable,
            "-m",
            "tamis",
            "annotate",
            self.folder,
            "--no-browser",
            "--no-token",  # it is started again on the same port, and the page goes on
            "--port",
            port,
            *self.options,
        ]
        self.process = subprocess.Popen([str(each) for each in command], stdout=subprocess.PIPE, text=True)
        assert self.process.stdout is not None
        for line in self.process.stdout:
            if "http://" in line:
                self.url = "http://" + line.partition("http://")[2].strip()
                return
        self.kill()
        raise AssertionError("the server did not start")

    def kill(self) -> None:
        assert self.process.stdout is not None
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()
        self.process.stdout.close()

    def get(self, path: str) -> Any:
        return httpx.get(self.url + path, timeout=30).raise_for_status().json()

    def masks(self, image: int = 1) -> list[Mapping[str, Any]]:
        """The masks of an image as its events make them."""
        from tamis.annotation.fold import History, advanced, drawing

        events = self.get(f"api/images/{image}/events")["events"]
        history = advanced(History(), [(event["kind"], event["body"]) for event in events])
        return list(drawing(history).masks.values())


@contextmanager
def served(folder: Path, *options: str) -> Iterator[Served]:
    server = Served(folder, *options)
    try:
        yield server
    finally:
        server.kill()


def open_image(page: Page, server: Served, name: str = "") -> None:
    """Go to an image and wait until masks are found under the pointer."""
    page.goto(f"{server.url}#{name}")
    if name:
        page.reload()
    expect(page.locator("#images li")).not_to_have_count(0)
    expect(page.locator("#waiting")).to_be_hidden(timeout=30_000)
    expect(page.locator("#tools [aria-pressed=true]")).to_have_count(1)


def place(page: Page, x: float, y: float) -> tuple[float, float]:
    """Where on the page a place of the image is, told as shares of its sides, with the whole image shown."""
    page.locator("#stage").press("0")
    box = page.locator("#stage").bounding_box()
    assert box is not None
    shape = SHAPES[page.url.rpartition("#")[2]]
    scale = min(box["width"] / shape[0], box["height"] / shape[1]) * 0.98
    left = box["x"] + (box["width"] - shape[0] * scale) / 2
    top = box["y"] + (box["height"] - shape[1] * scale) / 2
    return left + x * shape[0] * scale, top + y * shape[1] * scale


SHAPES: dict[str, tuple[int, int]] = {}
"""(width, height) of the upright images, by name."""


def painted(page: Page) -> int:
    """How many pixels of the screen show a mask or a preview."""
    count: int = page.evaluate(
        """() => {
          const canvas = document.querySelector('#masks');
          const data = canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height).data;
          let count = 0;
          for (let i = 3; i < data.length; i += 4) if (data[i]) count++;
          return count;
        }"""
    )
    return count


def saved(page: Page) -> None:
    expect(page.locator("#saving")).to_have_text("saved", timeout=15_000)


def masks_saved(page: Page, server: Served, image: int) -> list[Mapping[str, Any]]:
    """The masks of an image, once there are any: what is decided in a grid is shown before it is sent."""
    for _ in range(100):
        if found := server.masks(image):
            return found
        page.wait_for_timeout(100)
    raise AssertionError(f"image {image} has no mask after ten seconds")


def event(uuid: str, kind: str, body: dict[str, Any]) -> dict[str, Any]:
    """An event as the page would send it."""
    return {"uuid": uuid, "kind": kind, "body": body, "at": "2026-01-01T00:00:00Z", "active_ms": 0, "clicks": 0}


def picture(page: Page, name: str) -> None:
    """A picture for the documentation, if somebody asks for them."""
    folder = os.environ.get("TAMIS_PICTURES")
    if folder:
        page.screenshot(path=Path(folder) / f"{name}.jpg", type="jpeg", quality=82)


def image_id(server: Served, name: str) -> int:
    return next(int(each["id"]) for each in server.get("api/images")["images"] if each["name"] == name)


def disc(height: int, width: int) -> ImageArray:
    """A bright disc of a third of the height in the middle, a little noise."""
    rows, columns = np.mgrid[:height, :width]
    inside = (rows - height / 2) ** 2 + (columns - width / 2) ** 2 < (height / 3) ** 2
    noise = np.random.default_rng(0).normal(0, 3, (height, width, 3))
    return np.clip(np.where(inside[..., None], (220.0, 90.0, 40.0), (30.0, 60.0, 50.0)) + noise, 0, 255).astype(
        np.uint8
    )


def discs(made: Path) -> Path:
    """A folder with images of a disc: a.png, turned.jpg (upright only by its EXIF), and one whose name is HTML."""
    made.mkdir()
    Image.fromarray(disc(200, 300)).save(made / "a.png")
    Image.fromarray(disc(200, 300)).save(made / "<b>b.png")
    exif = Image.Exif()
    exif[0x0112] = 6
    Image.fromarray(np.rot90(disc(200, 300)).copy()).save(made / "turned.jpg", exif=exif, quality=95)
    SHAPES.update({"a.png": (300, 200), "turned.jpg": (300, 200), "%3Cb%3Eb.png": (300, 200)})
    return made


@contextmanager
def opened_page(browser: Browser, **options: Any) -> Iterator[Page]:
    """A page of 1280 × 800; nothing may appear in its console but what is asked of a server that is gone."""
    context = browser.new_context(**{"viewport": {"width": 1280, "height": 800}, "accept_downloads": True, **options})
    page = context.new_page()
    told: list[str] = []

    def heard(message: ConsoleMessage) -> None:
        harmless = ("Failed to load resource", "willReadFrequently")  # the second is about how these tests look
        if message.type in ("error", "warning") and not any(each in message.text for each in harmless):
            told.append(message.text)

    page.on("console", heard)
    page.on("pageerror", lambda error: told.append(str(error)))
    yield page
    context.close()
    assert told == [], told
