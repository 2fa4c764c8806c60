"""A web server with range requests and bad manners, for tests."""

import re
import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import unquote


@dataclass
class Site:
    """What is served, and how badly.

    files: contents by name.
    drops: how many answers break off without a byte.
    truncates: how many answers stop in the middle.
    busy: how many answers are 503.
    flips: how many answers have a wrong byte.
    ranges: whether range requests are answered.
    asked: requests by name.
    """

    files: dict[str, bytes] = field(default_factory=dict)
    drops: int = 0
    truncates: int = 0
    busy: int = 0
    flips: int = 0
    ranges: bool = True
    asked: Counter[str] = field(default_factory=Counter)
    sent: int = 0
    url: str = ""
    lock: threading.Lock = field(default_factory=threading.Lock)

    def take(self, what: str) -> bool:
        with self.lock:
            left: int = getattr(self, what)
            setattr(self, what, max(0, left - 1))
            return left > 0


def _handler(site: Site) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            name = unquote(self.path).lstrip("/")
            with site.lock:
                site.asked[name] += 1
            content = site.files.get(name)
            if content is None:
                self.send_error(404)
                return
            if site.take("busy"):
                self.send_error(503)
                return
            if site.take("drops"):
                self.close_connection = True
                return
            asked = re.fullmatch(r"bytes=(\d+)-(\d+)", self.headers.get("Range", ""))
            if asked and site.ranges:
                first, last = int(asked[1]), min(int(asked[2]), len(content) - 1)
                body = content[first : last + 1]
                self.send_response(206)
                self.send_header("Content-Range", f"bytes {first}-{last}/{len(content)}")
            else:
                body = content
                self.send_response(200)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            if len(body) > 1000 and site.take("truncates"):
                body = body[: len(body) // 2]
            elif len(body) > 1000 and site.take("flips"):
                middle = len(body) // 2
                body = body[:middle] + bytes([body[middle] ^ 255]) + body[middle + 1 :]
            self.wfile.write(body)
            with site.lock:
                site.sent += len(body)
            self.close_connection = True

        def log_message(self, format: str, *args: object) -> None:
            pass

    return Handler


@contextmanager
def serving(site: Site) -> Iterator[Site]:
    """Serve a site on a port of this computer."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(site))
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        site.url = f"http://127.0.0.1:{server.server_address[1]}/"
        yield site
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
