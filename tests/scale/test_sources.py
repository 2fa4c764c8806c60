import hashlib
import io
import shutil
import tarfile
from pathlib import Path
from uuid import uuid4

import numpy as np
import pyarrow as arrow
import pyarrow.parquet as parquet
import pytest

from tamis.errors import InputError
from tamis.image import read_image, write_image
from tamis.scale.sources import entries_of
from tamis.scale.stores import write

NAMES = ("a.png", "b/2.png", "b/3.jpg", "c.png")


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    rng = np.random.default_rng(0)
    for name in NAMES:
        write_image(tmp_path / "photos" / name, rng.integers(0, 255, (5, 7, 3)).astype(np.uint8))
    (tmp_path / "photos" / "notes.txt").write_text("none")
    (tmp_path / "photos" / ".hidden.png").write_bytes(b"")
    return tmp_path / "photos"


def tar_of(photos: Path, place: Path) -> Path:
    """As webdataset lays them out: the parts of a sample one after the other, under one name."""
    with tarfile.open(place, "w") as archive:
        for name in NAMES:
            for suffix, content in ((Path(name).suffix, (photos / name).read_bytes()), (".cls", b"3")):
                member = tarfile.TarInfo(f"{Path(name).with_suffix('')}{suffix}")
                member.size = len(content)
                archive.addfile(member, io.BytesIO(content))
    return place


def table_of(photos: Path, place: Path) -> Path:
    """As Hugging Face's datasets keep images: a column of bytes and paths; two row groups."""
    rows = [{"name": name, "image": {"bytes": (photos / name).read_bytes(), "path": name}} for name in NAMES]
    parquet.write_table(arrow.Table.from_pylist(rows), place, row_group_size=3)
    return place


def uploaded(file: Path, folder: str) -> str:
    if file.is_dir():
        for path in file.rglob("*.*"):
            write(f"{folder}/{path.relative_to(file).as_posix()}", path.read_bytes())
        return folder
    write(f"{folder}/{file.name}", file.read_bytes())
    return f"{folder}/{file.name}"


@pytest.mark.parametrize("where", ["here", "memory", pytest.param("s3", marks=pytest.mark.slow)])
@pytest.mark.parametrize("kind", ["folder", "tar", "parquet"])
def test_every_kind_of_source_gives_the_same_images(
    photos: Path, tmp_path: Path, kind: str, where: str, request: pytest.FixtureRequest
) -> None:
    file = {"folder": lambda: photos, "tar": lambda: tar_of(photos, tmp_path / "x.tar")}.get(
        kind, lambda: table_of(photos, tmp_path / "x.parquet")
    )()
    root = request.getfixturevalue("s3") if where == "s3" else "memory:/"
    source = str(file) if where == "here" else uploaded(file, f"{root}/{uuid4().hex}")
    entries = list(entries_of(source))
    assert sorted(entry.name for entry in entries) == list(NAMES)
    assert len({(entry.place, entry.inside) for entry in entries}) == 4
    for entry in entries:
        content = entry.content()
        assert hashlib.sha256(content).digest() == hashlib.sha256((photos / entry.name).read_bytes()).digest()
        assert np.array_equal(entry.image(content), read_image(photos / entry.name))


def test_a_folder_comes_in_the_order_of_its_paths(photos: Path) -> None:
    assert [entry.name for entry in entries_of(str(photos))] == list(NAMES)
    assert [entry.name for entry in entries_of(str(photos), [photos / "b"])] == ["a.png", "c.png"]
    assert [entry.name for entry in entries_of(str(photos / "c.png"))] == ["c.png"]


def test_a_link_that_leads_back_is_not_followed(photos: Path) -> None:
    (photos / "b" / "up").symlink_to(photos, target_is_directory=True)
    assert [entry.name for entry in entries_of(str(photos))] == list(NAMES)


def test_an_image_that_changed_has_another_version(photos: Path) -> None:
    before = {entry.name: entry.version for entry in entries_of(str(photos))}
    shutil.copy(photos / "c.png", photos / "a.png")
    after = {entry.name: entry.version for entry in entries_of(str(photos))}
    assert [name for name in NAMES if before[name] != after[name]] == ["a.png"]


def test_what_cannot_be_read_names_where_it_lies(photos: Path, tmp_path: Path) -> None:
    (photos / "a.png").write_bytes(b"no image")
    entry = next(entries_of(str(tar_of(photos, tmp_path / "x.tar"))))
    with pytest.raises(InputError, match=r"x.tar \(a.png\): not an image that can be read"):
        entry.image(entry.content())


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("none", None, "there is no such folder, .tar or .parquet; check the name"),
        ("cut.tar", b"no tar at all" * 100, "is cut off or no tar"),
        ("cut.parquet", b"PAR1", "is cut off or no Parquet"),
        ("empty", b"", "holds no images"),
    ],
)
def test_what_is_no_source_is_a_sentence(tmp_path: Path, name: str, content: bytes | None, said: str) -> None:
    if content:
        (tmp_path / name).write_bytes(content)
    elif content is not None:
        (tmp_path / name).mkdir()
    with pytest.raises(InputError, match=said):
        list(entries_of(str(tmp_path / name)))


def test_a_table_without_images_names_its_columns(tmp_path: Path) -> None:
    file = io.BytesIO()
    parquet.write_table(arrow.table({"label": ["cup"]}), file)
    (tmp_path / "x.parquet").write_bytes(file.getvalue())
    with pytest.raises(InputError, match="has the columns label; name one of images `image` and one of names `name`"):
        list(entries_of(str(tmp_path / "x.parquet")))
