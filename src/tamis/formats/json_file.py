"""JSON files of other programs, with a byte order mark or without."""

import json
from pathlib import Path
from typing import Any


def read_json(path: Path) -> Any:
    """What a JSON file in UTF-8 holds.

    Raises:
        ValueError: it is no JSON in UTF-8.
        RecursionError: its parts lie too deep in each other.
    """
    return json.loads(path.read_bytes().decode("utf-8-sig"))
