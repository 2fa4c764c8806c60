"""NDD20 as it was published: one archive, of which the photographs and the labels are unpacked."""

import re
from collections.abc import Iterator
from pathlib import Path

from tamis.datasets.archive import fetch_archive, sha256_of, unpack
from tamis.errors import InputError

URL = "https://data.ncl.ac.uk/ndownloader/files/22774175"
"""The archive of the release. No digest of it is known here: `--digest` takes one that you know."""

ARCHIVE = "NDD20.zip"

_WANTED = re.compile(r"(?:.*/)?((?:ABOVE|BELOW)/[^/]+\.jpe?g|(?:ABOVE|BELOW)_LABELS\.json)", re.IGNORECASE)


def download_ndd20(
    root: Path, url: str = URL, sha256: str | None = None, retries: int = 5, timeout: float = 60, wait: float = 1
) -> Iterator[tuple[str, float]]:
    """Fetch and unpack; safe to repeat, and taken up where it stopped. The archive stays beside the files.

    Args:
        root: of the dataset.
        url: of the archive.
        sha256: that it must have; None leaves it to the checksums within.
        retries: consecutive failures that are tolerated.
        timeout: seconds without an answer that count as a failure.
        wait: seconds before the first new attempt.

    Yields:
        What is being done, and the share of it that is.

    Raises:
        InputError: it cannot be had, or is another file than it should be.
        OutputError: it cannot be written.
    """
    place = root / ARCHIVE
    if not place.is_file():
        for share in fetch_archive(url, place, retries, timeout, wait):
            yield "fetching", share
    if sha256 is not None and (found := sha256_of(place)) != sha256.lower():
        raise InputError(f"{place}: its SHA-256 is {found}, not {sha256}: delete it and fetch it again")
    for share in unpack(place, root, _place_of):
        yield "unpacking", share


def _place_of(name: str) -> str | None:
    found = _WANTED.fullmatch(name)
    return found[1] if found else None
