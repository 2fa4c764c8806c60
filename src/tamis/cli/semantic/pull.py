"""`tamis semantic pull`: fetch the weights of a pre-trained network."""

import click

from tamis.cli.options import print_table


@click.command(name="pull")
@click.argument("name", required=False)
@click.option("--revision", metavar="COMMIT", help="Revision of its repository: a commit, branch or tag.")
@click.option("--yes", is_flag=True, help="Fetch without asking for confirmation.")
def command(name: str | None, revision: str | None, yes: bool) -> None:
    """Fetch pre-trained weights, after their licence was shown; without NAME list what there is.

    \b
    tamis semantic pull
    tamis semantic pull dinov2-b --revision main
    """
    from tamis.hub.folder import is_here
    from tamis.semantic.networks.catalogue import PRETRAINED, find_pretrained

    if name is None:
        print_table(
            (
                known,
                "here" if is_here(entry.source) else f"{entry.source.megabytes:g} MB",
                f"{entry.source.repository}, {entry.source.licence}",
            )
            for known, entry in PRETRAINED.items()
        )
        return
    source = find_pretrained(name).source
    from tamis.hub.fetch import fetch, offer_of

    offer = offer_of(source, revision)
    click.echo(f"{name}: {offer.bytes / 1e6:.1f} MB of {source.repository}")
    click.echo(f"licence   {source.licence}")
    click.echo(f"revision  {offer.commit}")
    click.echo(f"weights   {offer.sha256 or 'no checksum known'}")
    click.echo(f"folder    {offer.folder}")
    if not yes:
        click.confirm("Fetch it?", abort=True)
    fetch(offer)
    click.echo(f"wrote {offer.folder}")
