"""Behind a proxy that ends TLS: a small one, with a certificate made on the spot."""

import http.client
import json
import shutil
import ssl
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import httpx
import pytest
import uvicorn

from tamis.annotation import open_project
from tamis.annotation.service import ProjectService
from tamis.errors import InputError
from tamis.segmentors import load_segmentor
from tamis.server.app import make_app
from tamis.server.public import public_at
from tamis.server.security import Access
from tamis.server.serve import address_of, bound_socket

Proxied = Callable[..., tuple[str, httpx.Client]]


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    openssl = shutil.which("openssl")
    if openssl is None:
        pytest.skip("there is no openssl to make a certificate with")
    folder = tmp_path_factory.mktemp("tls")
    made = (folder / "cert.pem", folder / "key.pem")
    subject = ["-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost", "-days", "2", "-nodes"]
    curve = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1"]
    command = [openssl, "req", "-x509", *curve, *subject, "-out", str(made[0]), "-keyout", str(made[1])]
    subprocess.run(command, check=True, capture_output=True)
    return made


@pytest.fixture
def proxied(folder: Path, certificate: tuple[Path, Path]) -> Iterator[Proxied]:
    """proxied(path, strip=True, host=True, proto=True) → the address that people open, and a client for it."""
    endings: list[Callable[[], Any]] = []

    def made(path: str, strip: bool = True, host: bool = True, proto: bool = True, base: bool = True) -> Any:
        backend = bound_socket("127.0.0.1", 0)
        port = int(backend.getsockname()[1])

        class Proxy(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def forward(self) -> None:
                body = self.rfile.read(int(self.headers.get("content-length", 0)))
                headers = {name: value for name, value in self.headers.items() if name.lower() != "connection"}
                if not host:
                    headers["Host"] = f"127.0.0.1:{port}"
                if proto:
                    headers["X-Forwarded-Proto"] = "https"
                way = self.path.removeprefix(path) if strip and self.path.startswith(f"{path}/") else self.path
                inner = http.client.HTTPConnection("127.0.0.1", port, timeout=20)
                inner.request(self.command, way, body, headers)
                answer = inner.getresponse()
                content = answer.read()
                self.send_response(answer.status)
                for name, value in answer.getheaders():
                    if name.lower() not in ("content-length", "transfer-encoding", "connection"):
                        self.send_header(name, value)
                self.send_header("Content-Length", str(len(content)))
                self.end_headers()
                self.wfile.write(content)
                inner.close()

            do_GET = do_POST = do_DELETE = forward

            def log_message(self, *arguments: object) -> None:
                pass

        front = ThreadingHTTPServer(("127.0.0.1", 0), Proxy)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(*certificate)
        front.socket = context.wrap_socket(front.socket, server_side=True)
        address = f"https://localhost:{front.server_address[1]}{path}/"
        public = public_at(address) if base else None
        access = Access("127.0.0.1", port, "right-token", public)
        if base:
            assert address_of(access) == f"{address}?token=right-token"
        project = open_project(folder, labels=["cat"])
        app = make_app(ProjectService(project, "hierarchy", load_segmentor), access=access)
        server = uvicorn.Server(uvicorn.Config(app, log_level="critical"))
        threads = [
            threading.Thread(target=server.run, kwargs={"sockets": [backend]}),
            threading.Thread(target=front.serve_forever),
        ]
        for thread in threads:
            thread.start()
        while not server.started:
            time.sleep(0.02)
        trusted = ssl.create_default_context(cafile=str(certificate[0]))
        browser = httpx.Client(verify=trusted, timeout=20, follow_redirects=True)

        def end() -> None:
            browser.close()
            front.shutdown()
            front.server_close()
            server.should_exit = True
            for thread in threads:
                thread.join(10)
            backend.close()
            project.close()

        endings.append(end)
        return address, browser

    yield made
    for end in endings:
        end()


def saves(address: str, browser: httpx.Client) -> int:
    """The status of a change as our page sends it."""
    origin = address.partition("://")[0] + "://" + address.split("/")[2]
    headers = {"Origin": origin, "Sec-Fetch-Site": "same-origin"}
    return browser.post(f"{address}api/images/1/lease", json={"client": "c"}, headers=headers).status_code


@pytest.mark.parametrize("strip", [True, False])
@pytest.mark.parametrize("host", [True, False])
@pytest.mark.parametrize("path", ["", "/team/masks"])
def test_with_the_address_given_everything_works(proxied: Proxied, path: str, host: bool, strip: bool) -> None:
    address, browser = proxied(path, strip=strip, host=host, proto=False)
    assert browser.get(f"{address}api/project").status_code == 401
    page = browser.get(f"{address}?token=right-token")
    assert page.status_code == 200
    cookie = page.headers["set-cookie"]
    assert f"Path={path}/; Secure" in cookie
    for link in ('href="web/style.css"', 'src="web/main.js"'):
        assert link in page.text
        assert browser.get(address + link.split('"')[1]).status_code == 200
    assert json.loads(browser.get(f"{address}api/project").text)["labels"]
    assert saves(address, browser) == 200
    refused = browser.post(f"{address}api/labels", json={"action": "add"}, headers={"Origin": "https://evil.example"})
    assert refused.status_code == 403


def test_a_path_without_its_slash_leads_to_the_page(proxied: Proxied) -> None:
    address, browser = proxied("/team", strip=False)
    answer = browser.get(f"{address[:-1]}?token=right-token")
    assert (answer.status_code, str(answer.url)) == (200, f"{address}?token=right-token")


@pytest.mark.parametrize(("proto", "status"), [(True, 200), (False, 403)])
def test_without_it_the_proxy_has_to_say_that_it_ends_tls(proxied: Proxied, proto: bool, status: int) -> None:
    address, browser = proxied("", proto=proto, base=False)
    assert browser.get(f"{address}?token=right-token").status_code == 200
    assert saves(address, browser) == status


@pytest.mark.parametrize(
    "url", ["", "masks.example", "ftp://x", "https://", "https://x?y", "https://x:y/", "https://u@x/"]
)
def test_addresses_that_are_none(url: str) -> None:
    with pytest.raises(InputError, match="--base-url"):
        public_at(url)
    assert public_at("HTTPS://Masks.Example:443/a/").address == "https://masks.example/a/"
