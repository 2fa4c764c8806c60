"""How the scores of rankings are printed."""

from collections.abc import Mapping
from typing import Any

import click


def print_scores(title: str, scores: Mapping[str, Any]) -> None:
    """One line of numbers, then what is missing."""
    numbers = [f"{name} {value:.4f}" for name, value in scores.items() if isinstance(value, float)]
    click.echo(f"{title}: {', '.join(numbers)} ({scores.get('queries', '?')} queries)")
    if scores.get("missing"):
        click.echo(f"tamis: {len(scores['missing'])} queries have no ranking and count 0", err=True)
