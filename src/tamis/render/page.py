"""Pages of results: one HTML file with pictures beside it, readable offline, in light and in dark."""

from html import escape
from pathlib import Path
from string import Template
from urllib.parse import quote

from tamis.results.files import write_bytes

_PAGE = Template("""<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>$title</title>
<style>
:root { color-scheme: light dark; --paper: #fbfaf8; --ink: #1d1f21; --quiet: #686c70; --line: #dedbd5; }
@media (prefers-color-scheme: dark) {
  :root { --paper: #16181a; --ink: #e9e7e3; --quiet: #9a9ea2; --line: #33373a; }
}
body { margin: 0 auto; max-width: 1400px; padding: 2.5rem 1.5rem 4rem; background: var(--paper); color: var(--ink);
  font: 16px/1.5 system-ui, sans-serif; }
h1 { font-size: 1.7rem; margin: 0 0 .3rem; }
h2 { font-size: 1.15rem; margin: 2.2rem 0 .6rem; padding-top: 1.2rem; border-top: 1px solid var(--line); }
h2 small, figcaption, .quiet { color: var(--quiet); font-weight: normal; }
.row { display: grid; grid-template-columns: repeat(auto-fill, minmax(min(100%, 220px), 1fr)); gap: 1rem; }
figure { margin: 0; }
figure img { width: 100%; height: auto; border-radius: 4px; display: block; }
figcaption { font-size: .85rem; margin-top: .3rem; }
table { border-collapse: collapse; }
th, td { text-align: left; padding: .25rem 1.2rem .25rem 0; border-bottom: 1px solid var(--line); }
td.number { text-align: right; font-variant-numeric: tabular-nums; }
code { font-size: .92em; }
</style>
<h1>$title</h1>
$body
</html>
""")


def write_page(path: Path, title: str, body: str) -> None:
    """Write a page.

    Args:
        path: the HTML file.
        title: plain text.
        body: HTML.

    Raises:
        OutputError: it cannot be written.
    """
    write_bytes(path, _PAGE.substitute(title=escape(title), body=body).encode())


def figure(source: str, caption: str) -> str:
    """A picture with a line below it; `source` is a path relative to the page, with forward slashes."""
    link = escape(quote(source))
    return (
        f'<figure><a href="{link}"><img src="{link}" alt="{escape(caption)}" loading="lazy"></a>'
        f"<figcaption>{escape(caption)}</figcaption></figure>"
    )
