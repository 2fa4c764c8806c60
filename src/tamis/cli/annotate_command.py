"""`tamis annotate`: masks under the pointer, in a browser."""

import getpass
import threading
from collections.abc import Sequence
from contextlib import ExitStack, suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

import click

from tamis.cli.options import ListType, max_pixels_option, model_option
from tamis.errors import InputError
from tamis.image import MAX_PIXELS
from tamis.segmentors.registry import find_model

if TYPE_CHECKING:
    from socket import socket

    from tamis.annotation import Project
    from tamis.server.single import Standing


@click.command(name="annotate")
@click.argument("folder", type=click.Path(path_type=Path))
@click.option(
    "--labels",
    metavar="LIST",
    type=ListType(str, "names such as cat,dog"),
    default=(),
    help="Labels to add, such as cat,dog; 'object' if there are none.",
)
@model_option
@click.option(
    "--port", metavar="N", type=click.IntRange(0, 65535), default=0, help="The port; a free one if not given."
)
@click.option(
    "--host",
    metavar="ADDRESS",
    default="127.0.0.1",
    show_default=True,
    help="The address to listen on; 0.0.0.0 for all of this computer's.",
)
@click.option(
    "--base-url",
    metavar="URL",
    help="The address that people open where a proxy stands before this one, such as https://host/path.",
)
@click.option("--no-token", is_flag=True, help="Answer whoever can reach the port, without the token in the address.")
@click.option("--db", metavar="URL", help="A file, or postgresql://...; FOLDER/.tamis/project.sqlite by default.")
@click.option(
    "--processes",
    metavar="N",
    type=click.IntRange(1, 64),
    default=1,
    show_default=True,
    help="Server processes at the same address, for a team.",
)
@click.option("--user", metavar="NAME", help="Annotator; the name of the account by default.")
@click.option(
    "--people",
    metavar="LIST",
    type=ListType(str, "names such as anna,ben"),
    default=(),
    help="Names, each with an address of its own: whoever opens it works under that name.",
)
@click.option(
    "--assign",
    "assigned",
    metavar="LIST",
    type=ListType(str, "names such as anna,ben"),
    default=(),
    help="Give the images that nobody has yet evenly to these people.",
)
@click.option(
    "--schema", metavar="FILE", type=click.Path(path_type=Path), help="YAML with labels, their attributes, and tags."
)
@click.option(
    "--review-by-another", is_flag=True, help="An image is reviewed only by somebody else than its annotators."
)
@click.option(
    "--second",
    metavar="SHARE",
    type=click.FloatRange(0, 1, min_open=True),
    help="A second, blind annotation of this share of the images; statistics then show the agreement.",
)
@click.option("--readonly", is_flag=True, help="Read-only: nothing can be changed.")
@click.option("--no-browser", is_flag=True, help="Do not open the page.")
@max_pixels_option
def command(
    folder: Path,
    labels: tuple[str, ...],
    segmentor: str,
    port: int,
    host: str,
    base_url: str | None,
    no_token: bool,
    db: str | None,
    processes: int,
    user: str | None,
    people: tuple[str, ...],
    assigned: tuple[str, ...],
    schema: Path | None,
    review_by_another: bool,
    second: float | None,
    readonly: bool,
    no_browser: bool,
    max_pixels: int,
) -> None:
    """Draw masks on the images of FOLDER, in a browser on this computer.

    Everything is saved at once, in FOLDER/.tamis. Ctrl-C ends it. The address that is printed holds a token, without
    which nothing is answered: other accounts of this computer can reach the port too.

    \b
    tamis annotate photos/ --labels cat,dog
    tamis annotate photos/ --host 0.0.0.0 --port 8000 --people anna,ben
    """
    annotate(
        folder,
        [] if readonly else labels,
        segmentor,
        Listening(host, port, not no_browser, not no_token, base_url, processes),
        db=db,
        user=user or account(),
        readonly=readonly,
        max_pixels=max_pixels,
        team=Team(people, assigned, schema, review_by_another, second),
    )


@dataclass(frozen=True)
class Listening:
    """Where the page is, who may see it, whether to open it, and how many processes answer there."""

    host: str = "127.0.0.1"
    port: int = 0
    browser: bool = True
    token: bool = True
    base_url: str | None = None
    processes: int = 1


@dataclass(frozen=True)
class Team:
    """Several people at work: who they are, who annotates what, and who reviews."""

    people: Sequence[str] = ()
    assigned: Sequence[str] = ()
    schema: Path | None = None
    review_by_another: bool = False
    second: float | None = None


def annotate(
    folder: Path,
    labels: Sequence[str],
    segmentor: str,
    place: Listening,
    db: str | None = None,
    user: str = "",
    readonly: bool = False,
    max_pixels: int = MAX_PIXELS,
    team: Team = Team(),  # a value, never changed
) -> None:
    """Serve the annotator until Ctrl-C; the arguments are those of the command."""
    if ":" not in segmentor:
        find_model(segmentor)  # a wrong name is said here, not on the page
    from tamis.annotation import open_project
    from tamis.annotation.agreement import open_second
    from tamis.annotation.catalogue import left_out
    from tamis.annotation.service import ProjectService
    from tamis.annotation.vocabulary import labels_in
    from tamis.server.app import make_app
    from tamis.server.processes import ProcessSettings, serve_together
    from tamis.server.public import public_at
    from tamis.server.security import LOCAL, Access, new_token
    from tamis.server.serve import address_of, open_browser, serve
    from tamis.server.single import Standing, only_server, place_of, remember, remembered

    public = None if place.base_url is None else public_at(place.base_url)
    named = [*labels, *(labels_in(team.schema) if team.schema else [])]
    project = open_project(folder, db, named, user, not readonly, max_pixels)
    if team.second is not None:
        first, project = project, open_second(project, team.second, user)
        first.close()
    database = None if readonly else project.database.file
    kept = None if readonly else place_of(project)
    with ExitStack() as until_stopped:
        until_stopped.callback(project.close)
        before = None if kept is None else remembered(kept)
        if database is not None and not until_stopped.enter_context(only_server(database)):
            _join(folder, before, place.browser)
            return
        listening = _listening(place, before)
        if not readonly:
            _prepare(project, team, user)
        tokens = {name: (before.people.get(name) if before else None) or new_token() for name in team.people}
        people = {token: name for name, token in tokens.items()} if place.token else {}
        access = Access(place.host, listening.getsockname()[1], _token(place, before), public, people)
        address = address_of(access)
        if kept is not None:
            remember(kept, Standing(address, place.host, access.port, access.token, tokens))

        def started() -> None:
            click.echo(f"annotating {folder} at {address}\nCtrl-C ends it; everything is saved as it is done")
            for token, name in people.items():
                click.echo(f"for {name}: {address_of(replace(access, token=token))}")
            if access.token is None and place.host not in LOCAL:
                click.echo("without a token: whoever can reach this port can read and change the project")
            if skipped := left_out(folder):
                click.echo(skipped)
            if public is not None:
                click.echo(f"the proxy finds it at http://{place.host}:{access.port}/")
            if place.browser:
                threading.Thread(target=open_browser, args=[address], daemon=True).start()

        if place.processes > 1:
            by_another = team.review_by_another
            served = ProcessSettings(folder, db, segmentor, access, user, readonly, by_another, max_pixels, team.second)
            serve_together(place.processes, served, listening, started, behind_proxy=public is not None)
            return
        service = ProjectService(project, segmentor)
        app = make_app(service, readonly, user, access, team.review_by_another)
        serve(app, listening, started, public is not None, service.watch.stop)


def _prepare(project: "Project", team: Team, user: str) -> None:
    """What a team wants before it begins: labels with attributes, and images given to people."""
    from tamis.annotation.assignment import assign_evenly
    from tamis.annotation.vocabulary import use_schema

    if team.schema is not None:
        use_schema(project, team.schema, user)
    if team.assigned:
        given = assign_evenly(project, team.assigned, user)
        click.echo(f"{given} images given to {', '.join(team.assigned)}")


def _listening(place: Listening, before: "Standing | None") -> "socket":
    """A socket on the port that was asked for; otherwise on that of the last time, where pages still wait for it."""
    from tamis.server.serve import bound_socket

    if place.port == 0 and before is not None and before.host == place.host:
        with suppress(InputError):
            return bound_socket(place.host, before.port)
    return bound_socket(place.host, place.port)


def _token(place: Listening, before: "Standing | None") -> str | None:
    from tamis.server.security import new_token

    if not place.token:
        return None
    return (before.token if before else None) or new_token()


def _join(folder: Path, before: "Standing | None", browser: bool) -> None:
    """The project is served already: lead there instead of starting a second server on the same files."""
    if before is None:
        raise InputError(f"{folder}: is being annotated already, by another server; end that one first")
    click.echo(f"{folder} is being annotated already, at {before.address}; this is the page to use")
    if browser:
        from tamis.server.serve import open_browser

        open_browser(before.address)


def account() -> str:
    """The name of whoever runs the program."""
    try:
        return getpass.getuser()
    except (OSError, KeyError, ImportError):
        return "me"
