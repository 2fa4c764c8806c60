"""What is let in: the right host, the same origin, the token where one is needed, and bodies of bounded size.

A page of another site can make a browser send requests to localhost. The Host check stops names that such a site has
pointed here (DNS rebinding), the Origin check stops its forms and scripts, and JSON bodies alone are read.
"""

import ipaddress
import json
import secrets
import socket
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from urllib.parse import parse_qs, urlsplit

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from tamis.server.public import Public

MAX_BODY = 32_000_000
"""Bytes of a request."""

LOCAL = frozenset({"localhost", "127.0.0.1", "::1"})

HEADERS = {
    "content-security-policy": (
        "default-src 'self'; img-src 'self' blob: data:; object-src 'none'; base-uri 'none'; form-action 'none'; "
        "frame-ancestors 'none'"
    ),
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
    "referrer-policy": "no-referrer",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
}


@dataclass(frozen=True)
class Access:
    """Who may talk to the server.

    Attributes:
        host: the address that it listens on.
        port: where.
        token: to be shown by everyone; None where nobody needs one.
        people: tokens of single persons, and their names; whoever shows one is that person.
        public: the address under which people reach it through a proxy.
    """

    host: str = "127.0.0.1"
    port: int = 0
    token: str | None = None
    public: Public | None = None
    people: Mapping[str, str] = field(default_factory=dict)

    @property
    def cookie(self) -> str:
        """The name of the cookie that keeps the token; cookies are shared by all ports of a host."""
        return f"tamis-{self.port}"

    def knows_host(self, header: str) -> bool:
        """Whether a Host header names this server.

        On localhost only localhost; elsewhere also the address or name that was given, any numeric address, and the
        name of this computer; behind a proxy also the name that people use.
        """
        try:
            name = (urlsplit(f"//{header}").hostname or "").lower()
        except ValueError:
            return False  # brackets that are never closed, and the like
        if name in LOCAL or (self.public is not None and name == self.public.name):
            return True
        if self.host in LOCAL or not name:
            return False
        return name in {self.host.lower(), socket.gethostname().lower()} or _is_address(name)

    def is_origin(self, origin: str, scheme: str, host: str) -> bool:
        """Whether an Origin header is of our own page, which was asked for by this scheme and Host header."""
        return origin == f"{scheme}://{host}" or (self.public is not None and origin.lower() == self.public.origin)

    def known_token(self, value: str) -> str | None:
        """The token that a value is, None if it is none."""
        tokens = [*([self.token] if self.token else []), *self.people]
        found = [each for each in tokens if secrets.compare_digest(value.encode(errors="replace"), each.encode())]
        return found[0] if found else None

    def cookie_with(self, token: str) -> str:
        """The Set-Cookie header that keeps a token in a browser."""
        path = self.public.path if self.public else ""
        secure = "; Secure" if self.public and self.public.scheme == "https" else ""
        return f"{self.cookie}={token}; HttpOnly; SameSite=Strict; Path={path}/{secure}"


def new_token() -> str:
    """A token that nobody can guess."""
    return secrets.token_urlsafe(24)


class Guard:
    """ASGI middleware that refuses what should not come in, and adds `HEADERS` to all answers."""

    def __init__(self, app: ASGIApp, access: Access) -> None:
        self._app = app
        self._access = access

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Let a request through, or answer it."""
        if scope["type"] != "http":
            if scope["type"] != "websocket":
                await self._app(scope, receive, send)
            return
        headers = {name.decode("latin-1").lower(): value.decode("latin-1") for name, value in scope["headers"]}
        public = self._access.public
        if public is not None:
            path = public.within(scope["path"])
            if path is None:
                query = scope.get("query_string", b"").decode("latin-1")
                await _redirect(send, public.path + "/" + (f"?{query}" if query else ""))
                return
            scope = {**scope, "path": path, "raw_path": path.encode()}
        token_in_url = self._token_in(scope)
        token = token_in_url or self._shown(headers)
        limited = _Limited(receive)
        refusal = self._refusal(scope, headers, token)
        scope = {**scope, "tamis.person": self._access.people.get(token or "", "")}

        async def send_safely(message: Message) -> None:
            if message["type"] == "http.response.start":
                more = [(name.encode(), value.encode()) for name, value in HEADERS.items()]
                if not any(name == b"cache-control" for name, _ in message["headers"]):
                    more.append((b"cache-control", b"no-store"))
                if token_in_url:
                    more.append((b"set-cookie", self._access.cookie_with(token_in_url).encode()))
                message = {**message, "headers": [*message["headers"], *more]}
            await send(message)

        if refusal is not None:
            await _answer(send_safely, *refusal)
            return

        async def send_unless_too_large(message: Message) -> None:
            # However the app takes it that a body breaks off, the answer says why.
            if not limited.exceeded:
                await send_safely(message)

        await self._app(scope, limited.receive, send_unless_too_large)
        if limited.exceeded:
            await _answer(send_safely, *_too_large())

    def _refusal(self, scope: Scope, headers: dict[str, str], token: str | None) -> tuple[int, str] | None:
        method, path, host = scope["method"], scope["path"], headers.get("host", "")
        if not self._access.knows_host(host):
            return 421, "this server is not known under the name in the address; use the address that it printed"
        if path.startswith("/api/") and headers.get("sec-fetch-site") == "cross-site":
            return 403, "this request comes from another site, and was refused"
        if method not in ("GET", "HEAD", "OPTIONS"):
            origin = headers.get("origin")
            # The scheme is that of the browser where a proxy on this computer says so (X-Forwarded-Proto).
            if origin is not None and not self._access.is_origin(origin, scope.get("scheme", "http"), host):
                return 403, "this request comes from another site, and was refused"
            if origin is None and headers.get("sec-fetch-site", "same-origin") not in ("same-origin", "none"):
                return 403, "this request comes from another site, and was refused"
            kind = headers.get("content-type", "").partition(";")[0].strip().lower()
            if method != "DELETE" and kind != "application/json":
                return 415, "the body of a request must be application/json"
        try:
            length = int(headers.get("content-length", "0"))
        except ValueError:
            return 400, "the length of the request is no number"
        if length > MAX_BODY:
            return _too_large()
        if self._access.token is not None and token is None:
            return 401, "open the address that the program printed, with its token"
        return None

    def _token_in(self, scope: Scope) -> str | None:
        """The token in the address of a GET."""
        if self._access.token is None or scope["method"] != "GET":
            return None
        values = parse_qs(scope.get("query_string", b"").decode("latin-1")).get("token", [])
        return next((token for value in values if (token := self._access.known_token(value))), None)

    def _shown(self, headers: dict[str, str]) -> str | None:
        """The token in a header."""
        scheme, _, value = headers.get("authorization", "").partition(" ")
        if scheme.lower() == "bearer" and (token := self._access.known_token(value.strip())):
            return token
        # Read by hand: of all cookies of this host one that is malformed must not hide ours.
        for part in headers.get("cookie", "").split(";"):
            name, _, shown = part.strip().partition("=")
            if name == self._access.cookie and (token := self._access.known_token(shown.strip().strip('"'))):
                return token
        return None


class _Limited:
    """Counts what is received: a body in chunks declares no length."""

    def __init__(self, receive: Receive) -> None:
        self._receive = receive
        self._bytes = 0
        self.exceeded = False

    async def receive(self) -> Message:
        message = await self._receive()
        self._bytes += len(message.get("body", b""))
        if self._bytes > MAX_BODY:
            self.exceeded = True
            return {"type": "http.disconnect"}
        return message


def _too_large() -> tuple[int, str]:
    return 413, f"the request is larger than {MAX_BODY / 1e6:g} MB; send less at a time"


def _is_address(name: str) -> bool:
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return False
    return True


async def _redirect(send: Send, path: str) -> None:
    headers = [(b"location", path.encode("latin-1", "replace")), (b"content-length", b"0")]
    await send({"type": "http.response.start", "status": 307, "headers": headers})
    await send({"type": "http.response.body", "body": b""})


async def _answer(send: Send, status: int, sentence: str) -> None:
    body = json.dumps({"error": sentence}).encode()
    headers: Iterable[tuple[bytes, bytes]] = [
        (b"content-type", b"application/json"),
        (b"content-length", str(len(body)).encode()),
    ]
    await send({"type": "http.response.start", "status": status, "headers": list(headers)})
    await send({"type": "http.response.body", "body": body})
