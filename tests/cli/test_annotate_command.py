"""`tamis annotate` as a person runs it: a process that prints an address, answers there, and ends by Ctrl-C."""

import json
import os
import re
import signal
import socket
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest


@contextmanager
def annotating(folder: Path, *options: str, cache: Path) -> Iterator[tuple[str, Any]]:
    """The address that it prints, and the process."""
    command = [sys.executable, "-m", "tamis", "annotate", str(folder), "--no-browser", "--segmentor", "hierarchy"]
    environment = {**os.environ, "TAMIS_CACHE": str(cache), "PYTHONUNBUFFERED": "1"}
    with subprocess.Popen(
        [*command, *options], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment
    ) as process:
        assert process.stdout is not None
        said = process.stdout.readline()
        while said and not said.startswith("annotating "):
            said = process.stdout.readline()
        match = re.search(r"at (https?://\S+)", said)
        try:
            assert match is not None, (said, process.stderr.read() if process.stderr else "")
            yield match[1], process
        finally:
            process.kill()


def get(address: str, **headers: str) -> Any:
    with urllib.request.urlopen(urllib.request.Request(address, headers=headers), timeout=60) as answer:
        return json.loads(answer.read())


def test_it_serves_and_ends_by_ctrl_c(photograph: Path, tmp_path: Path) -> None:
    options = ("--labels", "cat, dog", "--user", "anna", "--no-token")
    with annotating(photograph.parent, *options, cache=tmp_path / "cache") as (address, process):
        project = get(f"{address}api/project")
        assert [label["name"] for label in project["labels"]] == ["cat", "dog"]
        assert project["user"] == "anna"
        (image,) = get(f"{address}api/images")["images"]
        assert (image["name"], image["width"], image["height"]) == ("photo.jpg", 128, 96)
        with urllib.request.urlopen(address, timeout=60) as page:
            assert page.headers["content-type"].startswith("text/html")
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=60)
        assert process.returncode == 0
        assert "Traceback" not in err + out
    assert (photograph.parent / ".tamis" / "project.sqlite").is_file()


def test_who_starts_it_twice_on_one_folder_is_led_to_the_first(photograph: Path, tmp_path: Path) -> None:
    command = [sys.executable, "-m", "tamis", "annotate", str(photograph.parent), "--no-browser"]
    with annotating(photograph.parent, cache=tmp_path / "cache") as (address, process):
        second = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
        assert second.returncode == 0
        assert (
            second.stdout == f"{photograph.parent} is being annotated already, at {address}; this is the page to use\n"
        )
        process.kill()
        process.wait()
    with annotating(photograph.parent, cache=tmp_path / "cache") as (again, _):
        assert again == address  # the pages that wait for it find it, at the same port and with the same token


def test_a_team(photograph: Path, tmp_path: Path) -> None:
    team = ("--people", "anna,ben", "--assign", "anna,ben")
    with annotating(photograph.parent, *team, cache=tmp_path / "cache") as (_, process):
        lines = [process.stdout.readline() for _ in range(3)]
        addresses = dict(re.findall(r"for (\w+): (http\S+)", "".join(lines)))
        assert list(addresses) == ["anna", "ben"]
        address, _, token = addresses["ben"].partition("?token=")
        project = get(f"{address}api/project", Authorization=f"Bearer {token}")
        assert (project["user"], project["named"], project["people"]) == ("ben", True, ["anna", "ben"])
        (image,) = get(f"{address}api/images", Authorization=f"Bearer {token}")["images"]
        assert image["assigned"] == "anna"


def test_a_port_that_is_taken(photograph: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        port = str(taken.getsockname()[1])
        command = [sys.executable, "-m", "tamis", "annotate", str(photograph.parent), "--no-browser", "--port", port]
        refused = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
    assert refused.returncode == 2
    assert refused.stderr == f"tamis: --port {port}: is taken by another program; leave it out for a free one\n"


@pytest.mark.parametrize("host", ["127.0.0.1", "0.0.0.0"])
def test_others_need_the_token(photograph: Path, tmp_path: Path, host: str) -> None:
    with annotating(photograph.parent, "--host", host, cache=tmp_path / "cache") as (address, _):
        match = re.fullmatch(r"http://(\S+):(\d+)/\?token=(\S{20,})", address)
        assert match is not None
        here = f"http://127.0.0.1:{match[2]}/api/project"
        with pytest.raises(urllib.error.HTTPError) as refused:
            get(here)
        assert refused.value.code == 401
        refused.value.close()
        assert get(here, Authorization=f"Bearer {match[3]}")["version"]
        with urllib.request.urlopen(address.replace(match[1], "127.0.0.1"), timeout=60) as page:
            cookie = page.headers["set-cookie"].partition(";")[0]
        assert get(here, Cookie=f'bad"=;broken\x01; {cookie}; other')["version"]


def test_only_to_look(photograph: Path, tmp_path: Path) -> None:
    command = [sys.executable, "-m", "tamis", "annotate", str(photograph.parent), "--no-browser", "--readonly"]
    nothing = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
    assert nothing.returncode == 2
    assert "there is no project yet" in nothing.stderr
    with annotating(photograph.parent, cache=tmp_path / "cache"):
        pass
    with annotating(photograph.parent, "--readonly", "--no-token", cache=tmp_path / "cache") as (address, _):
        assert get(f"{address}api/project")["readonly"]


def test_the_address_behind_a_proxy(photograph: Path, tmp_path: Path) -> None:
    options = ("--base-url", "https://masks.example/team/")
    with annotating(photograph.parent, *options, cache=tmp_path / "cache") as (address, process):
        assert re.fullmatch(r"https://masks\.example/team/\?token=\S{20,}", address)
        said = [process.stdout.readline() for _ in range(2)]
        assert re.search(r"the proxy finds it at http://127\.0\.0\.1:\d+/", said[1])
    command = [sys.executable, "-m", "tamis", "annotate", str(photograph.parent), "--base-url", "masks.example"]
    wrong = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
    assert wrong.returncode == 2
    assert "--base-url masks.example: is no address" in wrong.stderr
