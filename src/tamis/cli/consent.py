"""Fetching a model for somebody at a terminal: the licence first, then a question, then the files."""

import sys

import click

from tamis.hub.folder import is_here
from tamis.hub.model import HubModel
from tamis.segmentors.sam.catalogue import FAMILIES, MODELS


def fetch_with_consent(model: HubModel, revision: str | None, agreed: bool) -> None:
    """Show what would be fetched, ask unless it is agreed already, and fetch it.

    Args:
        model: what.
        revision: of its repository; the pinned one by default.
        agreed: whether the question has been answered with yes.

    Raises:
        click.Abort: the answer is no.
        TamisError: as of `tamis.hub.fetch`.
    """
    from tamis.hub.fetch import fetch, offer_of

    offer = offer_of(model, revision)
    known = "SHA-256 pinned" if offer.sha256 and offer.sha256 == model.sha256 else "SHA-256 as the hub states it"
    click.echo(f"{model.name}: {FAMILIES[model.family].name}, {offer.bytes / 1e6:.1f} MB of {model.repository}")
    click.echo(f"licence   {model.licence}")
    click.echo(f"revision  {offer.commit}")
    click.echo(f"weights   {offer.sha256 or 'no checksum known'} ({known})")
    click.echo(f"folder    {offer.folder}")
    if not agreed:
        click.confirm("Fetch it?", abort=True)
    fetch(offer)
    click.echo(f"wrote {offer.folder}")


def offer_weights(context: click.Context, parameter: click.Parameter, name: str) -> str:
    """A callback of --model: where weights are missing and somebody is there to answer, ask whether to fetch them.

    Without a terminal nothing is asked, and loading the segmentor says what to run.
    """
    missing = [model for model in MODELS if model.name == name and not is_here(model)]
    if missing and missing[0].revision and sys.stdin.isatty():
        click.echo(f"The weights of {name} are not here.", err=True)
        fetch_with_consent(missing[0], None, agreed=False)
    return name
