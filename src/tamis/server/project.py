"""The project as a whole: what the page shows around the images, its tags, and who annotates what."""

from typing import Annotated, Any

from fastapi import APIRouter
from pydantic import BaseModel, Field

import tamis
from tamis.annotation.assignment import assign, assigned, spread
from tamis.annotation.problems import NoSuchImageError
from tamis.annotation.tags import set_tags, tags_of
from tamis.formats.registry import FORMATS
from tamis.server import labels, schemas
from tamis.server.context import Context, Person, Served, Text
from tamis.server.described import answers
from tamis.server.security import LOCAL

router = APIRouter(tags=["project"])

Name = Annotated[str, Field(min_length=1, max_length=100), Text]


class Assignment(BaseModel):
    """Images by number, and to whom they go, evenly; to nobody without names."""

    images: Annotated[list[Annotated[int, Field(le=2**31 - 1)]], Field(max_length=1_000_000)]
    people: Annotated[list[Name], Field(max_length=1000)]
    user: Annotated[str, Field(max_length=100), Text] = ""


class Tags(BaseModel):
    """The tags that images can have."""

    tags: Annotated[list[Annotated[str, Text]], Field(max_length=1000)]
    user: Annotated[str, Field(max_length=100), Text] = ""


@router.get("/api/project", **answers(schemas.Project))
def show_project(served: Served, person: Person) -> dict[str, Any]:
    """What the page shows around the images."""
    return _described(served, person)


@router.post("/api/assign", **answers(schemas.Project, 403, 404))
def assign_images(assignment: Assignment, served: Served, person: Person) -> dict[str, Any]:
    """Give images to people: each anew, evenly in the order given."""
    served.require_writable()
    known = {row.id for row in served.service.project.rows()}
    for image in assignment.images:
        if image not in known:
            raise NoSuchImageError(f"there is no image {image} in this project")
    people = list(dict.fromkeys(" ".join(name.split()) for name in assignment.people))
    nobody = dict.fromkeys(assignment.images, "")
    given = spread(assignment.images, people, {}) if people else nobody
    with served.service.project.database.writing() as connection:
        assign(connection, given, person or assignment.user or served.user)
    return _described(served, person)


@router.post("/api/tags", **answers(schemas.Project, 403))
def change_tags(tags: Tags, served: Served, person: Person) -> dict[str, Any]:
    """Offer these tags from now on."""
    served.require_writable()
    with served.service.project.database.writing() as connection:
        set_tags(connection, tags.tags, person or tags.user or served.user)
    return _described(served, person)


def _described(served: Context, person: str) -> dict[str, Any]:
    project, access = served.service.project, served.access
    with project.database.reading() as connection:
        tags, given = tags_of(connection), assigned(connection)
    name = project.folder.resolve().name
    return {
        "name": name,
        "folder_name": name,
        "version": tamis.__version__,
        "readonly": served.readonly,
        "segmentor": served.service.segmentor,
        "user": person or served.user,
        # On this computer alone, or with a token of one's own, everybody is known; others are asked.
        "named": bool(person) or (access.host in LOCAL and access.public is None),
        "another_reviews": served.another_reviews,
        "labels": labels.described(served),
        "tags": tags,
        "people": sorted({*given.values(), *access.people.values()}),
        "formats": [{"name": form.name, "title": form.title} for form in FORMATS],
    }
