import sys
from collections.abc import Iterator
from pathlib import Path
from uuid import uuid4

import pytest

from tamis.errors import InputError, UnavailableError
from tamis.scale.stores import (
    StoreError,
    is_object,
    is_url,
    joined,
    local,
    opened,
    read,
    read_part,
    remove,
    sizes_in,
    walk,
    write,
)


@pytest.fixture(params=["path", "file", "memory", pytest.param("s3", marks=pytest.mark.slow)])
def folder(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    if request.param == "s3":
        yield f"{request.getfixturevalue('s3')}/{uuid4().hex}"
    else:
        yield {"path": str(tmp_path), "file": f"file://{tmp_path}", "memory": f"memory://{uuid4().hex}"}[request.param]


def test_what_is_written_is_there_until_it_is_removed(folder: str) -> None:
    place = joined(folder, "a.bin")
    assert sizes_in(joined(folder, "inside")) == {}
    write(place, b"0123456789")
    write(joined(folder, "inside/b.bin"), b"12")
    write(place, b"abcdefgh")
    assert read(place) == b"abcdefgh"
    assert read_part(place, 2, 3) == b"cde"
    with opened(place) as file:
        file.seek(4)
        assert file.read(2) == b"ef"
    assert sizes_in(folder) == {"a.bin": 8}
    remove(place)
    remove(place)
    assert sizes_in(folder) == {}


def test_what_is_missing_is_a_sentence(folder: str) -> None:
    with pytest.raises(InputError, match=r"none.bin: there is no such file, folder or bucket; check the name"):
        read(joined(folder, "none.bin"))


def test_objects_come_folder_by_folder_sorted_in_each() -> None:
    root = f"memory://{uuid4().hex}"
    for name in ("b/2.jpg", "b/1.jpg", "a/3.jpg", "z.jpg", "c.jpg"):
        write(f"{root}/{name}", b"1")
    assert [name for _, name, _, _ in walk(root)] == ["c.jpg", "z.jpg", "a/3.jpg", "b/1.jpg", "b/2.jpg"]
    assert is_object(f"{root}/z.jpg")
    assert not is_object(f"{root}/b")


def test_a_path_is_no_url() -> None:
    assert [is_url(place) for place in ("photos/a.jpg", r"C:\photos", "s3://photos", "memory://x")] == [
        False,
        False,
        True,
        True,
    ]
    assert local("file:///photos/a%20b.jpg") == Path("/photos/a b.jpg")
    assert local("s3://photos/a.jpg") is None


@pytest.mark.parametrize(("place", "extra"), [("s3://photos/a.jpg", "s3"), ("gs://photos/a.jpg", "gs")])
def test_what_is_not_installed_is_named(place: str, extra: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def missing(place: str) -> None:
        raise ImportError("install it")  # as fsspec does where the package of a protocol is not there

    monkeypatch.setattr("fsspec.core.url_to_fs", missing)
    with pytest.raises(UnavailableError, match=rf"{extra}:// is not installed: run pip install 'tamis\[{extra}\]'"):
        read(place)


def test_without_fsspec_its_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "fsspec.core", None)
    with pytest.raises(UnavailableError, match=r"URLs need fsspec: run pip install 'tamis\[scale\]'"):
        read("s3://photos/a.jpg")


def test_a_kind_of_url_that_nobody_knows_is_a_sentence() -> None:
    with pytest.raises(InputError, match="write s3://, gs:// or file://"):
        read("nowhere://photos/a.jpg")


class Silent:
    """A store that does not answer."""

    def cat_file(self, key: str) -> bytes:
        raise TimeoutError("no answer")


def test_a_store_that_does_not_answer_is_worth_another_try(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("fsspec.core.url_to_fs", lambda place: (Silent(), "a.jpg"))
    with pytest.raises(StoreError, match=r"the store does not answer as it should \(TimeoutError: no answer\)"):
        read("s3://photos/a.jpg")
