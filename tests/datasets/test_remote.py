import io

import numpy as np
import pytest

from tamis.datasets.remote import RemoteError, RemoteFile, read_remote
from tests.datasets.web import Site

CONTENT = np.random.default_rng(1).bytes(200_000)


def opened(site: Site, retries: int = 2) -> RemoteFile:
    return RemoteFile(f"{site.url}a.bin", retries=retries, timeout=5, wait=0.001)


def test_any_piece_can_be_read(site: Site) -> None:
    site.files["a.bin"] = CONTENT
    with opened(site) as file:
        assert file.seek(0, io.SEEK_END) == len(CONTENT)
        assert file.read(5) == b""
        assert file.seek(-10, io.SEEK_CUR) == len(CONTENT) - 10
        assert file.read() == CONTENT[-10:]
        file.seek(1000)
        assert file.read(2000) == CONTENT[1000:3000]
        assert file.tell() == 3000
        with pytest.raises(ValueError, match="cannot go"):
            file.seek(-1)
    assert site.sent < 10_000


def test_broken_connections_are_taken_up(site: Site) -> None:
    site.files["a.bin"] = CONTENT
    file = opened(site)
    site.drops, site.truncates, site.busy = 1, 3, 1
    assert file.read() == CONTENT
    # What arrived before a connection broke is not asked for again.
    assert site.sent <= len(CONTENT) + 10


def test_patience_has_an_end(site: Site) -> None:
    site.files["a.bin"] = CONTENT
    file = opened(site)
    site.drops = 3
    with pytest.raises(RemoteError, match=r"a\.bin: 3 attempts failed, the last by '.+'; run the command again"):
        file.read(10)
    site.busy = 100
    with pytest.raises(RemoteError, match="the last by '503"):
        file.read(10)


def test_what_cannot_work_is_not_tried_again(site: Site) -> None:
    with pytest.raises(RemoteError, match=r"a\.bin: the server answers 404"):
        opened(site)
    assert site.asked["a.bin"] == 1
    site.files["a.bin"] = CONTENT
    site.ranges = False
    with pytest.raises(RemoteError, match="sends no parts"):
        opened(site)
    assert site.asked["a.bin"] == 2
    with pytest.raises(RemoteError, match="no web address"):
        RemoteFile("file:///etc/passwd")


def test_a_file_that_changes_is_noticed(site: Site) -> None:
    site.files["a.bin"] = CONTENT
    file = opened(site)
    site.files["a.bin"] = CONTENT * 2
    with pytest.raises(RemoteError, match="changed meanwhile"):
        file.read(10)


def test_no_server_is_said_in_one_sentence() -> None:
    with pytest.raises(RemoteError, match="1 attempts failed"):
        RemoteFile("http://127.0.0.1:9/a.bin", retries=0, timeout=1)


def test_a_small_file_as_a_whole(site: Site) -> None:
    site.files["list.csv"] = b"a,b\n"
    site.busy, site.drops = 1, 1
    assert read_remote(f"{site.url}list.csv", retries=2, timeout=5, wait=0.001) == b"a,b\n"
