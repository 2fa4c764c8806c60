"""A schema file: the labels of a project with their attributes, and the tags of images.

labels:
car:
color: "#3b82f6"          # optional
attributes:
colour: [red, blue]     # a choice
hidden: yes/no
doors: number
plate: text
tree:
tags: [night, rain]
"""

from pathlib import Path
from typing import Any

from tamis.annotation import labels as label_list
from tamis.annotation.problems import RequestError
from tamis.annotation.project import Project
from tamis.annotation.tags import set_tags
from tamis.errors import InputError


def use_schema(project: Project, file: Path, user: str) -> None:
    """Make the labels of a schema file that are not there, set the attributes of all of them, and the tags.

    Raises:
        InputError: the file cannot be read, or says something that cannot be.
    """
    content = _read(file)
    try:
        with project.database.writing() as connection:
            present = {label.name.casefold(): label for label in label_list.labels_of(connection)}
            for name, given in content.get("labels", {}).items():
                told = given or {}
                label = present.get(label_list.tidy_name(name).casefold())
                if label is None:
                    label = label_list.add_label(connection, name, user, told.get("color", ""))
                attributes = told.get("attributes", {})
                if attributes != dict(label.attributes):
                    label_list.change_label(connection, label.id, {"attributes": attributes}, user)
            if "tags" in content:
                set_tags(connection, content["tags"], user)
    except RequestError as error:
        raise InputError(f"--schema {file}: {error}") from error


def labels_in(file: Path) -> list[str]:
    """The names of the labels in a schema file.

    Raises:
        InputError: as `use_schema`.
    """
    return list(_read(file)["labels"])


def _read(file: Path) -> dict[str, Any]:
    import yaml

    try:
        content = yaml.load(file.read_text(encoding="utf-8-sig"), Loader=yaml.BaseLoader)
    except OSError as error:
        raise InputError(f"--schema {file}: cannot be read ({error.strerror}); check the name") from error
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise InputError(f"--schema {file}: is no YAML ({' '.join(str(error).split())[:200]})") from error
    labels = content.get("labels", {}) if isinstance(content, dict) else None
    if not isinstance(labels, dict) or not all(isinstance(given or {}, dict) for given in labels.values()):
        raise InputError(f"--schema {file}: needs `labels:`, and under it each label with its attributes")
    tags = content.get("tags", [])
    if not isinstance(tags, list) or not all(isinstance(tag, str) for tag in tags):
        raise InputError(f"--schema {file}: `tags:` is a list of names")
    return {**content, "labels": labels}
