"""Charts as files."""

from pathlib import Path


def write_picture(file: Path, svg: str) -> None:
    """A chart as a file that can be read on dark pages too."""
    style = 'style="background: #fff; color: #222; fill: #222; font: 12px sans-serif"'
    alone = svg.replace("<svg ", '<svg xmlns="http://www.w3.org/2000/svg" ', 1).replace('style="max-width:100%"', style)
    file.write_text(alone + "\n", encoding="utf-8")
