import numpy as np

from tamis.render.contact_sheet import BAR, CELL, GAP, PAPER, Cell, contact_sheet, thumbnail


def test_pictures_are_fitted_into_squares_in_reading_order() -> None:
    red, wide = np.full((30, 30, 3), (200, 0, 0), np.uint8), np.full((100, 1000, 3), (0, 0, 200), np.uint8)
    sheet = contact_sheet([Cell(red, "a"), Cell(wide, "b"), Cell(red, "c", marked=True)], columns=2)
    assert sheet.shape == (2 * (CELL + BAR + GAP) + GAP, 2 * (CELL + GAP) + GAP, 3)
    middle = GAP + CELL // 2
    assert sheet[middle, middle].tolist() == [200, 0, 0]
    assert sheet[middle, middle + CELL + GAP].tolist() == [0, 0, 200]
    assert sheet[middle + CELL + BAR + GAP, middle].tolist() == [200, 0, 0]
    assert sheet[-middle, -middle].tolist() == list(PAPER), "there is no fourth"
    assert sheet[GAP + 2, GAP + CELL + GAP + 9].tolist() == list(PAPER), "a wide picture leaves its square free above"
    text = sheet[GAP + CELL : GAP + CELL + BAR, GAP : GAP + CELL]
    assert (text != np.array(PAPER)).any()


def test_a_thumbnail_is_never_larger_than_its_picture() -> None:
    assert thumbnail(np.zeros((30, 40, 3), np.uint8)).shape == (30, 40, 3)
    assert thumbnail(np.zeros((300, 600, 3), np.uint8), 60).shape == (30, 60, 3)
