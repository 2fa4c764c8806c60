"""Small charts as SVG text, for pages that work offline in light and in dark."""

from collections.abc import Mapping, Sequence
from html import escape

WIDTH, HEIGHT = 520, 320
LEFT, TOP, RIGHT, BOTTOM = 52, 14, 12, 40
LEGEND = 170
"""Pixels to the right of several curves, for their names."""
DOTS = 30
"""Points of a line that are drawn large."""
COLOURS = ("#2f6fde", "#e0662f", "#2e9d57", "#a44bc4", "#b58a00", "#13909e", "#cc3a6b", "#777777")


def curves(
    lines: Mapping[str, Sequence[tuple[float, float]]],
    x_label: str,
    y_label: str,
    y_range: tuple[float, float] = (0.0, 1.0),
    bands: Mapping[str, Sequence[tuple[float, float, float]]] | None = None,
) -> str:
    """Lines through points, with what they vary in behind them; many points are drawn without dots.

    Args:
        lines: by name, (x, y) points in order of x.
        x_label: below the chart.
        y_label: beside it.
        y_range: of the vertical axis.
        bands: by the same names, (x, lowest y, highest y) in order of x.
    """
    xs = [x for points in lines.values() for x, _ in points]
    frame = _Frame((min(xs, default=0), max(xs, default=1)), y_range)
    drawn = []
    for index, (name, points) in enumerate(lines.items()):
        colour = COLOURS[index % len(COLOURS)]
        band = (bands or {}).get(name, ())
        drawn.append(_area(frame, band, colour) if band else "")
        path = " ".join(f"{frame.x(x):.1f},{frame.y(y):.1f}" for x, y in points)
        radius = 3 if len(points) <= DOTS else 1.2
        dots = "".join(_dot(frame, x, y, radius, colour, f"{name}: {x:g}, {y:.4f}") for x, y in points)
        drawn.append(f'<polyline points="{path}" fill="none" stroke="{colour}" stroke-width="2"/>{dots}')
    legend = "".join(
        f'<text x="{WIDTH + 6}" y="{TOP + 12 + 18 * index}" fill="{COLOURS[index % len(COLOURS)]}">'
        f"{escape(name)}</text>"
        for index, name in enumerate(lines)
    )
    if len(lines) == 1:
        return frame.svg("".join(drawn), x_label, y_label)
    return frame.svg("".join(drawn) + legend, x_label, y_label, beside=LEGEND)


def scatter(points: Sequence[tuple[float, float, str]], x_label: str, y_label: str) -> str:
    """Points in the unit square with the diagonal; each (x, y, what to say when the pointer is on it)."""
    frame = _Frame((0.0, 1.0), (0.0, 1.0))
    diagonal = (
        f'<line x1="{frame.x(0)}" y1="{frame.y(0)}" x2="{frame.x(1)}" y2="{frame.y(1)}" '
        'stroke="currentColor" opacity=".35" stroke-dasharray="4 4"/>'
    )
    dots = "".join(_dot(frame, x, y, 3.5, COLOURS[0], text, 0.55) for x, y, text in points)
    return frame.svg(diagonal + dots, x_label, y_label)


class _Frame:
    """Axes: where values fall on the picture."""

    def __init__(self, x_range: tuple[float, float], y_range: tuple[float, float]) -> None:
        self.x_range = x_range if x_range[0] < x_range[1] else (x_range[0] - 0.5, x_range[0] + 0.5)
        self.y_range = y_range

    def x(self, value: float) -> float:
        low, high = self.x_range
        return LEFT + (value - low) / (high - low) * (WIDTH - LEFT - RIGHT)

    def y(self, value: float) -> float:
        low, high = self.y_range
        return HEIGHT - BOTTOM - (value - low) / (high - low) * (HEIGHT - TOP - BOTTOM)

    def svg(self, content: str, x_label: str, y_label: str, beside: int = 0) -> str:
        grid = []
        for value in _ticks(*self.y_range):
            y = self.y(value)
            grid.append(
                f'<line x1="{LEFT}" x2="{WIDTH - RIGHT}" y1="{y:.1f}" y2="{y:.1f}" stroke="currentColor" '
                'opacity=".12"/>'
                f'<text x="{LEFT - 8}" y="{y + 4:.1f}" text-anchor="end">{value:g}</text>'
            )
        for value in _ticks(*self.x_range):
            x = self.x(value)
            grid.append(f'<text x="{x:.1f}" y="{HEIGHT - BOTTOM + 18}" text-anchor="middle">{value:g}</text>')
        labels = (
            f'<text x="{(LEFT + WIDTH - RIGHT) / 2}" y="{HEIGHT - 4}" text-anchor="middle">{escape(x_label)}</text>'
            f'<text transform="translate(13 {(TOP + HEIGHT - BOTTOM) / 2}) rotate(-90)" text-anchor="middle">'
            f"{escape(y_label)}</text>"
        )
        return (
            f'<svg viewBox="0 0 {WIDTH + beside} {HEIGHT}" width="{WIDTH + beside}" style="max-width:100%" role="img" '
            f'font-family="system-ui, sans-serif" font-size="12" fill="currentColor">'
            f"{''.join(grid)}{labels}{content}</svg>"
        )


def _ticks(low: float, high: float) -> list[float]:
    """About five round values inside a range."""
    span = high - low
    step = next(
        (step for exponent in range(-6, 9) for step in (10.0**exponent * m for m in (1, 2, 5)) if span / step <= 6),
        span,
    )
    first = -(-low // step)
    return [round((first + i) * step, 10) for i in range(8) if (first + i) * step <= high + 1e-9]


def _area(frame: _Frame, band: Sequence[tuple[float, float, float]], colour: str) -> str:
    """What lies between the lowest and the highest line."""
    outline = [(x, low) for x, low, _ in band] + [(x, high) for x, _, high in reversed(band)]
    points = " ".join(f"{frame.x(x):.1f},{frame.y(y):.1f}" for x, y in outline)
    return f'<polygon points="{points}" fill="{colour}" opacity=".16"/>'


def _dot(frame: _Frame, x: float, y: float, radius: float, colour: str, text: str, opacity: float = 1.0) -> str:
    return (
        f'<circle cx="{frame.x(x):.1f}" cy="{frame.y(y):.1f}" r="{radius}" fill="{colour}" opacity="{opacity}">'
        f"<title>{escape(text)}</title></circle>"
    )
