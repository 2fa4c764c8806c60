"""A hub on this computer that speaks as much of the real one's language as fetching a model takes."""

import hashlib
import json
import re
import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import unquote, urlsplit

COMMIT = "0123456789abcdef0123456789abcdef01234567"


@dataclass
class Hub:
    """One repository at one commit, named by `COMMIT` and `main`.

    repository: its name; files: contents by name; gated: whether it is given to nobody; cut: the byte after which the
    next answer with weights breaks off; asked: ranges asked for by file; stated: SHA-256 that is stated for a file
    instead of its own.
    """

    repository: str
    files: dict[str, bytes]
    gated: bool = False
    cut: int | None = None
    asked: list[tuple[str, str]] = field(default_factory=list)
    stated: dict[str, str] = field(default_factory=dict)
    counts: Counter[str] = field(default_factory=Counter)
    url: str = ""


def _handler(hub: Hub) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_HEAD(self) -> None:
            self._answer(body=False)

        def do_GET(self) -> None:
            self._answer(body=True)

        def _answer(self, body: bool) -> None:
            path = unquote(urlsplit(self.path).path).lstrip("/")
            hub.counts[path] += 1
            api = re.fullmatch(rf"api/models/{re.escape(hub.repository)}/revision/(.+)", path)
            file = re.fullmatch(rf"{re.escape(hub.repository)}/resolve/([^/]+)/(.+)", path)
            if hub.gated:
                self._refuse(403, "GatedRepo")
            elif api:
                self._describe(api[1])
            elif file and file[1] in (COMMIT, "main") and file[2] in hub.files:
                self._send(file[2], body)
            elif file:
                self._refuse(404, "EntryNotFound" if file[1] in (COMMIT, "main") else "RevisionNotFound")
            else:
                self._refuse(404, "RepoNotFound")

        def _describe(self, revision: str) -> None:
            if revision not in (COMMIT, "main"):
                self._refuse(404, "RevisionNotFound")
                return
            siblings = [
                {"rfilename": name, "size": len(content), **_lfs(hub, name)} for name, content in hub.files.items()
            ]
            said = json.dumps({"id": hub.repository, "modelId": hub.repository, "sha": COMMIT, "siblings": siblings})
            self.send_response(200)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(said)))
            self.end_headers()
            self.wfile.write(said.encode())

        def _send(self, name: str, body: bool) -> None:
            content = hub.files[name]
            asked = re.fullmatch(r"bytes=(\d+)-(\d*)", self.headers.get("Range", ""))
            first = int(asked[1]) if asked else 0
            if body:
                hub.asked.append((name, self.headers.get("Range", "")))
            self.send_response(206 if asked else 200)
            self.send_header("X-Repo-Commit", COMMIT)
            self.send_header("ETag", f'"{_digest(hub, name)}"')
            self.send_header("Accept-Ranges", "bytes")
            self.send_header("Content-Length", str(len(content) - first))
            if asked:
                self.send_header("Content-Range", f"bytes {first}-{len(content) - 1}/{len(content)}")
            self.end_headers()
            if not body:
                return
            last = len(content)
            if hub.cut is not None and name.endswith(".safetensors"):
                last, hub.cut = hub.cut, None
                self.close_connection = True
            self.wfile.write(content[first:last])

        def _refuse(self, code: int, reason: str) -> None:
            self.send_response(code)
            self.send_header("X-Error-Code", reason)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, format: str, *args: object) -> None:
            pass

    return Handler


def _digest(hub: Hub, name: str) -> str:
    return hub.stated.get(name, hashlib.sha256(hub.files[name]).hexdigest())


def _lfs(hub: Hub, name: str) -> dict[str, object]:
    if name.endswith(".json"):
        return {"blobId": "0" * 40}
    return {"blobId": "0" * 40, "lfs": {"sha256": _digest(hub, name), "size": len(hub.files[name]), "pointerSize": 130}}


@contextmanager
def serving(hub: Hub) -> Iterator[Hub]:
    """Serve a hub on a port of this computer."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(hub))
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        hub.url = f"http://127.0.0.1:{server.server_address[1]}"
        yield hub
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
