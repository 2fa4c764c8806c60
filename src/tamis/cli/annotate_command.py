"""`tamis annotate`: masks under the pointer, in a browser."""

import getpass
import threading
from pathlib import Path

import click

from tamis.cli.options import max_pixels_option, segmentor_option
from tamis.segmentors.registry import find_model


@click.command(name="annotate")
@click.argument("folder", type=click.Path(path_type=Path))
@click.option(
    "--labels", metavar="LIST", default="", help="Labels to add, such as cat,dog; 'object' if there are none."
)
@segmentor_option
@click.option(
    "--port", metavar="N", type=click.IntRange(0, 65535), default=0, help="The port; a free one if not given."
)
@click.option(
    "--host",
    metavar="ADDRESS",
    default="127.0.0.1",
    show_default=True,
    help="The address to listen on; others than localhost need the token in the printed address.",
)
@click.option("--db", metavar="URL", help="A file, or postgresql://...; FOLDER/.tamis/project.sqlite by default.")
@click.option("--user", metavar="NAME", help="Who is at work; the name of the account by default.")
@click.option("--readonly", is_flag=True, help="Only look: nothing can be changed.")
@click.option("--no-browser", is_flag=True, help="Do not open the page.")
@max_pixels_option
def command(
    folder: Path,
    labels: str,
    segmentor: str,
    port: int,
    host: str,
    db: str | None,
    user: str | None,
    readonly: bool,
    no_browser: bool,
    max_pixels: int,
) -> None:
    """Draw masks on the images of FOLDER, in a browser on this computer.

    Everything is saved at once, in FOLDER/.tamis. Ctrl-C ends it.

    \b
    tamis annotate photos/ --labels cat,dog
    tamis annotate photos/ --host 0.0.0.0 --port 8000
    """
    if ":" not in segmentor:
        find_model(segmentor)  # a wrong name is said here, not on the page
    from tamis.annotation import open_project
    from tamis.annotation.workshop import Workshop
    from tamis.server.app import make_app
    from tamis.server.security import LOCAL, Access, new_token
    from tamis.server.serve import address_of, bound_socket, open_browser, serve

    name = user or account()
    wanted = [part.strip() for part in labels.split(",") if part.strip()]
    project = open_project(folder, db, () if readonly else wanted, name, not readonly, max_pixels)
    try:
        listening = bound_socket(host, port)
        token = None if host in LOCAL else new_token()
        access = Access(host, listening.getsockname()[1], token)
        address = address_of(access)

        def started() -> None:
            click.echo(f"annotating {folder} at {address}\nCtrl-C ends it; everything is saved as it is done")
            if not no_browser:
                threading.Thread(target=open_browser, args=[address], daemon=True).start()

        serve(make_app(Workshop(project, segmentor), readonly, name, access), listening, started)
    finally:
        project.close()


def account() -> str:
    """The name of whoever runs the program."""
    try:
        return getpass.getuser()
    except (OSError, KeyError, ImportError):
        return "me"
