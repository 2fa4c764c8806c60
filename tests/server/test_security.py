"""What must not come in, and what must not be let out: one test each."""

import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from tamis.server import security
from tamis.server.security import Access

ME = "http://localhost:8000"


def test_other_names_for_this_host_are_refused(page: Any) -> None:
    for host in ("evil.example", "localhost.evil.example", "127.0.0.1.evil.example:8000", "", "10.0.0.1", "a b"):
        answer = page.client.get("/api/project", headers={"host": host})
        assert answer.status_code == 421, host
        assert "not known under the name" in answer.json()["error"]
    for host in ("localhost:8000", "127.0.0.1:8000", "[::1]:8000", "LOCALHOST"):
        assert page.client.get("/api/project", headers={"host": host}).status_code == 200


@pytest.mark.parametrize("method", ["POST", "DELETE", "PUT"])
def test_requests_of_other_sites_change_nothing(page: Any, method: str) -> None:
    for headers in (
        {"origin": "http://evil.example"},
        {"origin": "null"},
        {"origin": "http://localhost:9999"},
        {"origin": "https://localhost:8000"},
        {"sec-fetch-site": "cross-site"},
        {"sec-fetch-site": "same-site"},
    ):
        answer = page.client.request(
            method, "/api/labels", headers={**headers, "content-type": "application/json"}, content=b'{"action":"add"}'
        )
        assert answer.status_code == 403, headers
        assert "another site" in answer.json()["error"]


def test_other_sites_cannot_show_our_pictures_but_may_link_to_the_page(page: Any) -> None:
    headers = {"sec-fetch-site": "cross-site"}
    assert page.client.get("/api/images/1/pixels", headers=headers).status_code == 403
    assert page.client.get("/", headers=headers).status_code == 200


def test_our_own_page_may_change_things(page: Any) -> None:
    headers = {"origin": ME, "sec-fetch-site": "same-origin"}
    answer = page.client.post("/api/labels", json={"action": "add", "name": "bird"}, headers=headers)
    assert answer.status_code == 200


def test_forms_cannot_speak_to_the_interface(page: Any) -> None:
    for kind in ("text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x", ""):
        answer = page.client.post("/api/labels", content=b'{"action":"add"}', headers={"content-type": kind})
        assert answer.status_code == 415


def test_paths_lead_nowhere_else(page: Any) -> None:
    for path in (
        "/web/../app.py",
        "/web/%2e%2e/app.py",
        "/web/..%2fapp.py",
        "/web/%2e%2e%2f%2e%2e%2f__init__.py",
        "/web//etc/passwd",
        "/web/..%5capp.py",
        "/web/.hidden.js",
        "/web/index.html%00.js",
        "/web/",
        "/web/no.js",
        "/api/images/..%2f..%2fetc%2fpasswd/pixels",
        "/api/images/1%2f../pixels",
    ):
        answer = page.client.get(path)
        assert answer.status_code in (404, 422), path
        assert set(answer.json()) == {"error"}


def test_links_out_of_the_folder_are_not_followed(folder: Path, serve: Callable[..., Any], tmp_path: Path) -> None:
    Image.new("RGB", (60, 40)).save(tmp_path / "secret.png")
    os.symlink(tmp_path / "secret.png", folder / "link.png")
    page = serve()
    image = next(image for image in page.get("/api/images")["images"] if image["name"] == "link.png")
    for path in ("pixels", "thumbnail", "answers", "proposals"):
        answer = page.client.get(f"/api/images/{image['id']}/{path}")
        assert answer.status_code == 422
        assert "leads out of the project's folder" in answer.json()["error"]
    # An image that is replaced by a link while the server runs is no way out either.
    inside = next(image for image in page.get("/api/images")["images"] if image["name"] == "a.png")
    (folder / "a.png").unlink()
    os.symlink(tmp_path / "secret.png", folder / "a.png")
    assert page.client.get(f"/api/images/{inside['id']}/pixels").status_code == 422


def test_nothing_is_guessed_framed_or_run_from_elsewhere(page: Any) -> None:
    for path in ("/", "/api/project", "/api/images/1/pixels", "/api/nothing", "/api/openapi.json"):
        headers = page.client.get(path).headers
        assert headers["x-content-type-options"] == "nosniff"
        assert headers["x-frame-options"] == "DENY"
        assert headers["referrer-policy"] == "no-referrer"
        policy = dict(part.strip().split(" ", 1) for part in headers["content-security-policy"].split(";"))
        assert policy["default-src"] == "'self'"
        assert policy["img-src"] == "'self' blob: data:"
        assert policy["frame-ancestors"] == "'none'"
        assert "unsafe" not in headers["content-security-policy"]
    assert page.client.get("/api/project").headers["cache-control"] == "no-store"
    assert page.client.get("/").headers["content-type"] == "text/html; charset=utf-8"


def test_names_with_html_are_data_only(page: Any) -> None:
    answer = page.client.get("/api/images")
    assert answer.headers["content-type"] == "application/json"
    assert "<i>c<.png" in [image["name"] for image in answer.json()["images"]]
    missing = page.client.get("/api/<script>alert(1)</script>")
    assert missing.headers["content-type"] == "application/json"


def test_large_requests_are_refused(page: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(security, "MAX_BODY", 10_000)
    body = {"client": "x", "lease": "y", "base": 0, "events": [{"uuid": "u", "kind": "k", "body": {"a": "x" * 20_000}}]}
    assert "is larger than" in page.post("/api/images/1/events", body, status=413)["error"]

    def endless() -> Iterator[bytes]:
        yield b'{"client": "'
        for _ in range(20):
            yield b"x" * 1000

    answer = page.client.post("/api/images/1/events", content=endless(), headers={"content-type": "application/json"})
    assert answer.status_code == 413
    assert "is larger than" in answer.json()["error"]


@pytest.mark.slow
def test_decompression_bombs_are_refused(folder: Path, serve: Callable[..., Any]) -> None:
    Image.new("1", (20_000, 15_000)).save(folder / "bomb.png")
    assert (folder / "bomb.png").stat().st_size < 100_000
    page = serve()
    image = next(image for image in page.get("/api/images")["images"] if image["name"] == "bomb.png")
    answer = page.client.get(f"/api/images/{image['id']}/pixels")
    assert answer.status_code == 422
    assert "300 megapixels are over the limit of 200" in answer.json()["error"]


class TestToken:
    """A server that others can reach."""

    @pytest.fixture
    def page(self, serve: Callable[..., Any]) -> Any:
        page = serve(access=Access("0.0.0.0", 8000, "right-token"))
        page.client.base_url = "http://192.168.0.5:8000"
        return page

    def test_without_it_nothing_is_answered(self, page: Any) -> None:
        for path in ("/", "/api/project", "/api/images", "/web/index.html", "/api/openapi.json"):
            answer = page.client.get(path)
            assert answer.status_code == 401
            assert answer.json() == {"error": "open the address that the program printed, with its token"}
        assert page.client.get("/?token=wrong").status_code == 401
        assert page.client.get("/?token=").status_code == 401
        assert page.client.post("/api/labels?token=right-token", json={}).status_code == 401
        assert page.client.get("/api/project", headers={"cookie": "tamis-8000=wrong"}).status_code == 401

    def test_with_it_the_browser_keeps_it(self, page: Any) -> None:
        answer = page.client.get("/?token=right-token")
        assert answer.status_code == 200
        cookie = answer.headers["set-cookie"]
        assert cookie.startswith("tamis-8000=right-token;")
        assert "HttpOnly" in cookie
        assert "SameSite=Strict" in cookie
        assert page.client.get("/api/project").status_code == 200
        assert page.client.post("/api/labels", json={"action": "add", "name": "bird"}).status_code == 200

    def test_a_script_shows_it_in_a_header(self, page: Any) -> None:
        for value, status in (("Bearer right-token", 200), ("Bearer wrong", 401), ("Basic right-token", 401)):
            assert page.client.get("/api/project", headers={"authorization": value}).status_code == status

    def test_a_name_of_another_site_is_refused_even_with_it(self, page: Any) -> None:
        headers = {"authorization": "Bearer right-token", "host": "evil.example"}
        assert page.client.get("/api/project", headers=headers).status_code == 421
