"""The page's modules give what the library gives, pixel for pixel."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from pycocotools import mask as coco
from scipy import ndimage

from tamis.annotation.answers import answer_prompt
from tamis.arrays import MaskArray
from tamis.clicks import Click
from tamis.regions.boxes import click_for_box
from tamis.regions.encoded import EncodedRegions
from tamis.regions.table import pack_answers
from tamis.segmentors.classical.hierarchy import Hierarchy
from tests.web.conftest import Run


def rle(mask: MaskArray) -> dict[str, Any]:
    told = coco.encode(np.asfortranarray(mask, dtype=np.uint8))
    return {"size": list(mask.shape), "counts": told["counts"].decode()}


def random_masks() -> list[MaskArray]:
    rng = np.random.default_rng(0)
    shapes = [(1, 1), (7, 5), (40, 60), (33, 1), (1, 90)]
    masks = [rng.random(shape) < share for shape in shapes for share in (0.0, 0.02, 0.5, 1.0)]
    masks.append(np.pad(np.ones((900, 1200), bool), 400))
    return masks


def test_run_lengths_are_those_of_coco(run: Run) -> None:
    masks = random_masks()
    told = run("rle", [rle(mask) for mask in masks])
    for mask, each in zip(masks, told, strict=True):
        assert each["again"] == rle(mask)
        assert each["area"] == mask.sum()
        if mask.any():
            rows, columns = np.nonzero(mask)
            box = {"left": columns.min(), "top": rows.min(), "right": columns.max() + 1, "bottom": rows.max() + 1}
            assert each["bounds"] == box
        else:
            assert each["bounds"] is None


def test_masks_are_joined_and_taken_away(run: Run) -> None:
    rng = np.random.default_rng(1)
    pairs = [(rng.random((13, 9)) < p, rng.random((13, 9)) < q) for p in (0, 0.3, 1) for q in (0, 0.5, 1)]
    for (a, b), told in zip(pairs, run("combine", [[rle(a), rle(b)] for a, b in pairs]), strict=True):
        assert told["union"] == rle(a | b)
        assert told["subtract"] == rle(a & ~b)


@pytest.fixture(scope="module")
def encoded() -> EncodedRegions:
    rng = np.random.default_rng(2)
    image = np.kron(rng.integers(0, 256, (12, 16, 3)), np.ones((9, 9, 1))).astype(np.uint8)
    fine = Hierarchy().encode(np.asarray(image + rng.integers(0, 30, image.shape), np.uint8))
    answers = np.concatenate([fine.answers, 255 - (255 - fine.answers) // 2])
    ratings = rng.integers(0, 200, (2, answers.shape[1])).astype(np.uint8)  # some are equal
    return replace(fine, answers=answers, ratings=ratings)


def test_the_page_and_the_library_make_the_same_masks(run: Run, encoded: EncodedRegions, tmp_path: Path) -> None:
    (tmp_path / "table").write_bytes(pack_answers(encoded))
    rng = np.random.default_rng(3)
    height, width = encoded.shape
    questions: list[dict[str, Any]] = []
    for count in (1, 1, 1, 2, 3, 5, 8) * 8:
        # Clicks near each other meet in one region, which is then split.
        x, y = rng.random(2) * [width - 12, height - 12]
        near = rng.random((count, 2)) * (12 if count > 2 else [width - x, height - y]) + [x, y]
        clicks = [{"x": a, "y": b, "positive": i == 0 or bool(rng.random() < 0.5)} for i, (a, b) in enumerate(near)]
        threshold, granularity = float(rng.choice([0.2, 0.5, 0.65, 0.9])), int(rng.integers(3))
        questions.append({"clicks": clicks, "threshold": threshold, "granularity": granularity})
    masks = run("masks", {"table": str(tmp_path / "table"), "questions": questions})
    for question, mask in zip(questions, masks, strict=True):
        asked = [Click(**click) for click in question["clicks"]]
        assert mask == rle(answer_prompt(encoded, asked, None, question["granularity"]) > question["threshold"])


def test_the_page_and_the_library_answer_boxes_alike(run: Run, encoded: EncodedRegions, tmp_path: Path) -> None:
    (tmp_path / "table").write_bytes(pack_answers(encoded))
    rng = np.random.default_rng(4)
    height, width = encoded.shape
    boxes = [(20.0, 15.0, 60.0, 50.0), (0.0, 0.0, float(width), float(height)), (143.2, 107.1, 143.9, 107.4)]
    while len(boxes) < 60:
        (left, right), (top, bottom) = np.sort(rng.random((2, 2)) * [[width], [height]], axis=1).tolist()
        boxes.append((left, top, right, bottom))
    sides = ("left", "top", "right", "bottom")
    thresholds = rng.choice([0.2, 0.5, 0.65], len(boxes)).tolist()
    questions = [
        {"box": dict(zip(sides, box, strict=True)), "threshold": threshold}
        for box, threshold in zip(boxes, thresholds, strict=True)
    ]
    told = run("boxes", {"table": str(tmp_path / "table"), "boxes": questions})
    for box, threshold, answer in zip(boxes, thresholds, told, strict=True):
        click, granularity = click_for_box(encoded, box)
        assert answer["click"] == {"x": click.x, "y": click.y, "positive": True}
        assert answer["granularity"] == granularity + 1
        assert answer["mask"] == rle(encoded.probability_in_box(box) > threshold)


def test_the_page_folds_events_as_the_server_does(run: Run) -> None:
    cases = json.loads((Path(__file__).parents[1] / "annotation" / "fold_cases.json").read_text())
    told = run("fold", [case["events"] for case in cases])
    for case, content in zip(cases, told, strict=True):
        given = {"reason": "", "tags": [], "comments": [], "rejected": [], **case}
        assert content == {name: given[name] for name in content}, case["name"]


def test_a_polygon_holds_the_pixels_whose_centre_it_holds(run: Run) -> None:
    triangle = [{"x": 2.2, "y": 1.1}, {"x": 17.8, "y": 5.0}, {"x": 6.4, "y": 14.9}]
    rows, columns = np.mgrid[:16, :20] + 0.5
    corners = [(each["x"], each["y"]) for each in triangle]
    sides = [
        (bx - ax) * (rows - ay) - (by - ay) * (columns - ax) >= 0
        for (ax, ay), (bx, by) in zip(corners, corners[1:] + corners[:1], strict=True)
    ]
    assert run("polygon", {"points": triangle, "size": [16, 20]}) == rle(np.logical_and.reduce(sides))


def test_a_polygon_that_leaves_the_image_is_cut(run: Run) -> None:
    square = [{"x": x, "y": y} for x, y in ((-5, -5), (4, -5), (4, 99), (-5, 99))]
    expected = np.zeros((10, 8), bool)
    expected[:, :4] = True
    assert run("polygon", {"points": square, "size": [10, 8]}) == rle(expected)


def test_a_stroke_is_as_wide_as_the_brush(run: Run) -> None:
    given = {"from": {"x": 5, "y": 10}, "to": {"x": 25, "y": 10}, "radius": 4, "size": [20, 30]}
    rows, columns = np.mgrid[:20, :30] + 0.5
    near = np.hypot(columns - np.clip(columns, 5, 25), rows - 10) <= 4
    assert run("stroke", given) == rle(near)


def test_holes_islands_and_parts_are_those_of_scipy(run: Run) -> None:
    mask = np.zeros((30, 40), bool)
    mask[2:20, 3:25] = True
    mask[6:10, 8:12] = False  # a hole
    mask[:5, 30:] = True  # a second part, open to the edge
    mask[27, 2] = True  # an island
    told = run("parts", rle(mask))
    assert told["filled"] == rle(ndimage.binary_fill_holes(mask))
    labels, count = ndimage.label(mask)
    expected = sorted((labels == i + 1 for i in range(count)), key=lambda part: -part.sum())
    assert told["parts"] == [rle(part) for part in expected]
    assert told["largest"] == rle(mask & (labels != labels[27, 2]))


C, S, A, G = ({name: True} for name in ("ctrlKey", "shiftKey", "altKey", "altGraph"))

KEYS = [
    # what it was made for
    ("q", "KeyQ", {}, "q"),
    ("Q", "KeyQ", S, "Shift+q"),
    ("z", "KeyZ", C, "Ctrl+z"),
    ("Z", "KeyZ", {**C, **S}, "Ctrl+Shift+z"),
    ("Enter", "Enter", C, "Ctrl+Enter"),
    ("?", "Slash", S, "?"),
    ("1", "Digit1", {}, "1"),
    ("!", "Digit1", S, "Shift+1"),
    ("1", "Numpad1", {}, "1"),
    # Russian, Ukrainian
    ("й", "KeyQ", {}, "q"),
    ("Й", "KeyQ", S, "Shift+q"),
    ("я", "KeyZ", C, "Ctrl+z"),
    ("Я", "KeyZ", {**C, **S}, "Ctrl+Shift+z"),
    ("х", "BracketLeft", {}, "["),
    ("ъ", "BracketRight", {}, "]"),
    ("б", "Comma", {}, ","),
    ("ю", "Period", {}, "."),
    ("і", "KeyS", {}, "s"),
    # Greek
    ("ς", "KeyW", {}, "w"),
    (";", "KeyQ", {}, "q"),
    ("ζ", "KeyZ", C, "Ctrl+z"),
    ("Dead", "KeyE", {}, "e"),
    # AZERTY: letters are where the layout has them, digits where it has none
    ("a", "KeyQ", {}, "a"),
    ("z", "KeyW", C, "Ctrl+z"),
    ("m", "Semicolon", {}, "m"),
    ("&", "Digit1", {}, "1"),
    ("é", "Digit2", {}, "2"),
    ("-", "Digit6", {}, "6"),
    ("à", "Digit0", {}, "0"),
    ("1", "Digit1", S, "1"),
    (",", "KeyM", {}, ","),
    # German: QWERTZ, umlauts, and AltGr as Windows, Linux and older browsers tell it
    ("z", "KeyY", C, "Ctrl+z"),
    ("ü", "BracketLeft", {}, "["),
    ("ß", "Minus", {}, "-"),
    ("+", "BracketRight", {}, "+"),
    ("-", "Slash", {}, "-"),
    ("[", "Digit8", {**C, **A, **G}, "["),
    ("[", "Digit8", G, "["),
    ("[", "Digit8", {**C, **A}, "["),
    ("@", "KeyQ", {**C, **A, **G}, "@"),
    ("€", "KeyE", G, "€"),
    ("ą", "KeyA", {**C, **A, **G}, "ą"),
    ("d", "KeyD", {**C, **A}, "Ctrl+Alt+d"),
    # others
    ("ش", "KeyA", {}, "a"),
    ("۱", "Digit1", {}, "1"),
    ("ｑ", "KeyQ", {}, "q"),
    ("Process", "KeyQ", {}, "q"),
    ("F1", "F1", {}, "F1"),
    ("Escape", "", {}, "Escape"),
]


def test_shortcuts_on_every_layout(run: Run) -> None:
    told = run("keys", [{"key": key, "code": code, **held} for key, code, held, _ in KEYS])
    assert [(key, code, name) for (key, code, *_), name in zip(KEYS, told, strict=True)] == [
        (key, code, name) for key, code, _, name in KEYS
    ]
