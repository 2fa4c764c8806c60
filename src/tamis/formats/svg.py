"""SVG: masks as outlines that any browser and drawing program opens; they follow the pixels exactly."""

from collections.abc import Iterable, Mapping
from html import escape
from typing import Any

from tamis.mask import Masks, Polygon, to_polygons
from tamis.render.overlays import palette


def svg_of(masks: Masks, extra: Iterable[Mapping[str, Any]] | None = None) -> str:
    """A drawing of the size of the image, one path for each mask, the largest at the bottom.

    Every path has the number of its mask, counted from 1, as its id, and further fields as data- attributes.

    Args:
        masks: N masks of one image.
        extra: N mappings of further fields such as a score.
    """
    height, width = masks.shape
    fields = list(extra) if extra is not None else [{} for _ in range(len(masks))]
    colours = palette(len(masks))
    paths: list[tuple[int, str]] = []
    for number, rows, columns, pixels in masks.crops():
        said = "".join(f' data-{escape(key)}="{escape(str(value))}"' for key, value in fields[number].items())
        colour = "#" + bytes(colours[number]).hex()
        drawn = "".join(_path(polygon, columns.start, rows.start) for polygon in to_polygons(pixels))
        paths.append((int(pixels.sum()), f'<path id="mask-{number + 1}" fill="{colour}" d="{drawn}"{said}/>'))
    paths.sort(key=lambda entry: -entry[0])
    body = "\n".join(path for _, path in paths)
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" width="{width}" height="{height}" '
        f'fill-rule="evenodd" fill-opacity=".7" stroke="#fff" stroke-width=".5">\n{body}\n</svg>\n'
    )


def _path(polygon: Polygon, left: int, top: int) -> str:
    rings = (polygon.outer, *polygon.holes)
    return "".join("M" + "L".join(f"{x + left:g},{y + top:g}" for x, y in ring.tolist()) + "Z" for ring in rings)
