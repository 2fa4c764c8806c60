"""Many small pictures on one, each with a line of text: to see at a glance what a run has done."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from tamis.arrays import ImageArray

CELL, BAR, GAP = 220, 26, 6
"""Pixels of a picture's side, of the line below it, and between them."""

PAPER, QUIET, SURE = (250, 249, 246), (110, 112, 116), (20, 110, 50)


@dataclass(frozen=True, eq=False)
class Cell:
    """A picture and what is said of it.

    Attributes:
        picture: (H, W, 3) uint8 RGB, of any size.
        caption: one short line, what is most important first: it is cut where the cell ends.
        marked: whether the line is in green.
    """

    picture: ImageArray
    caption: str
    marked: bool = False


def contact_sheet(cells: Sequence[Cell], columns: int = 6) -> ImageArray:
    """The cells in reading order, each picture fitted into a square; at least one cell.

    Args:
        cells: what to show.
        columns: in a row, fewer where there are fewer cells.
    """
    columns = max(1, min(columns, len(cells)))
    rows = -(-len(cells) // columns)
    sheet = np.empty((rows * (CELL + BAR + GAP) + GAP, columns * (CELL + GAP) + GAP, 3), np.uint8)
    sheet[:] = PAPER
    for number, cell in enumerate(cells):
        top = GAP + number // columns * (CELL + BAR + GAP)
        left = GAP + number % columns * (CELL + GAP)
        _draw(sheet[top : top + CELL + BAR, left : left + CELL], cell)
    return sheet


def thumbnail(picture: ImageArray, side: int = CELL) -> ImageArray:
    """A picture (H, W, 3) uint8 whose long side is `side` pixels at most."""
    import cv2

    height, width = picture.shape[:2]
    ratio = min(1.0, side / max(height, width))
    size = max(1, round(width * ratio)), max(1, round(height * ratio))
    return np.asarray(cv2.resize(picture, size, interpolation=cv2.INTER_AREA), np.uint8)


def _draw(place: ImageArray, cell: Cell) -> None:
    from PIL import Image, ImageDraw, ImageFont

    small = thumbnail(cell.picture)
    top, left = (CELL - small.shape[0]) // 2, (CELL - small.shape[1]) // 2
    place[top : top + small.shape[0], left : left + small.shape[1]] = small
    bar = Image.new("RGB", (place.shape[1], BAR), PAPER)
    ImageDraw.Draw(bar).text((2, 5), cell.caption, SURE if cell.marked else QUIET, ImageFont.load_default(14))
    place[CELL:] = np.asarray(bar)
