"""The page of the study is what its cells say."""

import pytest

from benchmarks.annotation import KEPT, cells, kept_rows
from benchmarks.annotation_page import PAGE, PICTURE, page, picture


def test_the_page_is_written_from_what_is_kept() -> None:
    rows = kept_rows()
    assert rows, f"{KEPT} is empty: run python -m benchmarks.annotation"
    assert PAGE.read_text(encoding="utf-8") == page(rows)
    assert PICTURE.read_text(encoding="utf-8") == picture(rows)


def test_every_row_says_where_it_is_from() -> None:
    for row in kept_rows():
        assert {"weights", "version", "fingerprint", "seed", "costs", "by_number"} <= row.keys()
        assert row["clicks"] == pytest.approx(sum(row["by_number"]) / len(row["by_number"]), abs=1e-3)


def test_cells_of_a_set() -> None:
    assert list(cells(("scratch", "review"), 2)) == [
        ("seconds", "scratch", 0),
        ("seconds", "review", 0),
        ("multiverseg", "scratch", 0),
        ("seconds", "scratch", 1),
        ("seconds", "review", 1),
        ("multiverseg", "scratch", 1),
    ]


def test_figures_are_means_over_seeds() -> None:
    def row(policy: str, seed: int, seconds: float) -> dict[str, object]:
        common = {
            "set": "a",
            "images": 2,
            "protocol": "seconds",
            "accepted": 0.5,
            "drawn": 0,
            "iou": 0.9,
            "clicks": 1.5,
        }
        return {
            **common,
            "policy": policy,
            "seed": seed,
            "seconds": seconds,
            "clicks": 1.5,
            "by_number": [1, 2],
            "version": "1",
            "weights": "0" * 64,
        }

    text = page([row("scratch", 0, 60), row("scratch", 1, 180), row("review", 0, 60)])
    assert "| a | 2 | 2 | `scratch` | 2.0 | 100 % |" in text
    assert "| a | 2 | 1 | `review` | 1.0 | 50 % |" in text
    assert "Half of the seconds or less: 1 of 1 sets" in text
