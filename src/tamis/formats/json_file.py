"""JSON files of other programs, with a byte order mark or without, in UTF-8 or as Windows' PowerShell writes them."""

import json
from pathlib import Path
from typing import Any


def read_json(path: Path) -> Any:
    """What a JSON file in UTF-8, UTF-16 or UTF-32 holds.

    Raises:
        ValueError: it is no JSON in one of these.
        RecursionError: its parts lie too deep in each other.
    """
    content = path.read_bytes()
    return json.loads(content.decode(json.detect_encoding(content)))
