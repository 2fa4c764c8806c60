"""docs/intelligent-annotation.md, from the cells of the study that are kept."""

from collections.abc import Mapping, Sequence
from typing import Any

from benchmarks.sets import ROOT

PAGE = ROOT / "docs" / "intelligent-annotation.md"


def page(rows: Sequence[Mapping[str, Any]]) -> str:
    """The whole page."""
    return "\n".join([_HEAD])


_HEAD = ""
