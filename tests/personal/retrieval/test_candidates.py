"""Tar files on a server with bad manners: only what a ranking has is fetched, once."""

import io
import tarfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tamis.errors import InputError
from tamis.personal.retrieval.candidates import extract_candidates
from tests.datasets.web import Site, serving


def shard(names: list[str], size: int = 40_000) -> bytes:
    content = io.BytesIO()
    with tarfile.open(fileobj=content, mode="w") as archive:
        for number, name in enumerate(names):
            entry = tarfile.TarInfo(name)
            entry.size = size
            archive.addfile(entry, io.BytesIO(bytes([number]) * size))
    return content.getvalue()


@pytest.fixture
def site() -> Iterator[Site]:
    with serving(Site()) as site:
        yield site


def test_only_candidates_are_fetched_and_a_second_run_asks_for_none(
    site: Site, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tamis.personal.retrieval.candidates.PIECE", 4096)
    site.files["a.tar"] = shard([f"{number}.jpg" for number in range(60)])
    site.files["b.tar"] = shard(["x/60.jpg"])
    wanted = ["3.jpg", "59.jpg", "x/60.jpg", "nowhere.jpg"]
    shards = [f"{site.url}a.tar", f"{site.url}b.tar"]
    site.truncates = 1
    assert [found[1:] for found in extract_candidates(shards, wanted, tmp_path)] == [(2, 2), (1, 1)]
    assert (tmp_path / "59.jpg").read_bytes() == bytes([59]) * 40_000
    assert (tmp_path / "x" / "60.jpg").stat().st_size == 40_000
    assert site.sent < len(site.files["a.tar"]) / 2, "most of the shard is never sent"
    before = site.sent
    (tmp_path / "3.jpg").unlink()
    assert [found[2] for found in extract_candidates(shards, wanted, tmp_path)] == [1, 0]
    assert site.sent - before < 60_000


def test_local_shards_and_what_cannot_be_done(tmp_path: Path) -> None:
    (tmp_path / "a.tar").write_bytes(shard(["a.jpg"]))
    assert [found[1:] for found in extract_candidates([str(tmp_path / "a.tar")], ["a.jpg"], tmp_path / "o")] == [(1, 1)]
    with pytest.raises(InputError, match="would be written outside"):
        list(extract_candidates([], ["../a.jpg"], tmp_path))
    with pytest.raises(InputError, match="cannot be read"):
        list(extract_candidates([str(tmp_path / "b.tar")], [], tmp_path))
    (tmp_path / "c.tar").write_bytes(b"no tar" * 1000)
    with pytest.raises(InputError, match="is no tar file or cut off"):
        list(extract_candidates([str(tmp_path / "c.tar")], [], tmp_path))
