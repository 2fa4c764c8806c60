"""A confusion matrix as a picture."""

from collections.abc import Sequence
from html import escape

import numpy as np

from tamis.semantic.metrics import Confusion

NAMES = 150
"""Pixels for the names of the classes, at the left and on top."""

LARGE, SMALL = 36, 18
"""Pixels of a square with its number, and of one without."""

FEW = 30
"""Up to so many classes the squares have numbers."""

LEAST = 0.005
"""Smaller shares of a class are not drawn."""


def confusion_chart(total: Confusion, classes: Sequence[str]) -> str:
    """What became of the pixels of each class, as SVG text: a row for each true class, a column for each predicted one.

    The numbers are percent of the row. Right answers are blue, mistakes are orange; the darker, the more, by the root
    of the share, so that small mistakes are seen. Classes without pixels have no row.

    Args:
        total: of the whole dataset.
        classes: their names.
    """
    rows: list[int] = np.flatnonzero(total.label > 0).tolist()
    columns: list[int] = np.flatnonzero((total.label > 0) | (total.prediction > 0)).tolist()
    cell = LARGE if len(columns) <= FEW else SMALL
    middle = cell / 2
    place = {column: NAMES + cell * k for k, column in enumerate(columns)}
    drawn = [
        f'<text transform="translate({x + middle + 4} {NAMES - 6}) rotate(-90)">{escape(classes[column])}</text>'
        for column, x in place.items()
    ]
    for number, row in enumerate(rows):
        y = NAMES + cell * number
        drawn.append(f'<text x="{NAMES - 6}" y="{y + middle + 4}" text-anchor="end">{escape(classes[row])}</text>')
        shares = total.counts[row] / total.label[row]
        for column in np.flatnonzero(shares >= LEAST).tolist():
            x, share = place[column], float(shares[column])
            colour = "#2f6fde" if column == row else "#e0662f"
            said = f"{classes[row]} taken for {classes[column]}: {share:.1%}"
            drawn.append(
                f'<rect x="{x}" y="{y}" width="{cell - 1}" height="{cell - 1}" fill="{colour}" '
                f'fill-opacity="{share**0.5:.3f}"><title>{escape(said)}</title></rect>'
            )
            if cell == LARGE:
                drawn.append(
                    f'<text x="{x + middle}" y="{y + middle + 4}" text-anchor="middle" pointer-events="none">'
                    f"{100 * share:.0f}</text>"
                )
    size = [cell * len(columns), cell * len(rows)]
    frame = (
        f'<rect x="{NAMES - 1}" y="{NAMES - 1}" width="{size[0] + 1}" height="{size[1] + 1}" '
        'fill="none" stroke="currentColor" stroke-opacity=".3"/>'
    )
    width, height = NAMES + size[0] + 4, NAMES + size[1] + 4
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" width="{width}" height="{height}" '
        f'style="max-width:100%;height:auto" role="img" font-family="system-ui, sans-serif" font-size="12" '
        f'fill="currentColor">{frame}{"".join(drawn)}</svg>'
    )
