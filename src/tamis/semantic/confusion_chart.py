"""A confusion matrix as a picture."""

from collections.abc import Sequence
from html import escape

import numpy as np

from tamis.semantic.metrics import Confusion

CELL = 18
NAMES = 150
"""Pixels for the names of the classes, at the left and on top."""

LEAST = 0.005
"""Smaller shares of a class are not drawn."""


def confusion_chart(total: Confusion, classes: Sequence[str]) -> str:
    """What became of the pixels of each class, as SVG text: a row for each true class, a column for each predicted one.

    A square's darkness is the share of its row; right answers are blue, mistakes are orange. Classes without pixels
    have no row.

    Args:
        total: of the whole dataset.
        classes: their names.
    """
    rows: list[int] = np.flatnonzero(total.label > 0).tolist()
    columns: list[int] = np.flatnonzero((total.label > 0) | (total.prediction > 0)).tolist()
    place = {column: NAMES + CELL * k for k, column in enumerate(columns)}
    drawn = [
        f'<text transform="translate({x + CELL / 2 + 4} {NAMES - 6}) rotate(-90)">{escape(classes[column])}</text>'
        for column, x in place.items()
    ]
    for number, row in enumerate(rows):
        y = NAMES + CELL * number
        drawn.append(f'<text x="{NAMES - 6}" y="{y + CELL / 2 + 4}" text-anchor="end">{escape(classes[row])}</text>')
        shares = total.counts[row] / total.label[row]
        for column in np.flatnonzero(shares >= LEAST).tolist():
            colour = "#2f6fde" if column == row else "#e0662f"
            said = f"{classes[row]} taken for {classes[column]}: {shares[column]:.1%}"
            drawn.append(
                f'<rect x="{place[column]}" y="{y}" width="{CELL - 1}" height="{CELL - 1}" fill="{colour}" '
                f'fill-opacity="{shares[column]:.3f}"><title>{escape(said)}</title></rect>'
            )
    frame = (
        f'<rect x="{NAMES - 1}" y="{NAMES - 1}" width="{CELL * len(columns) + 1}" height="{CELL * len(rows) + 1}" '
        'fill="none" stroke="currentColor" stroke-opacity=".3"/>'
    )
    width, height = NAMES + CELL * len(columns) + 4, NAMES + CELL * len(rows) + 4
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" width="{width}" height="{height}" '
        f'style="max-width:100%;height:auto" role="img" font-family="system-ui, sans-serif" font-size="12" '
        f'fill="currentColor">{frame}{"".join(drawn)}</svg>'
    )
