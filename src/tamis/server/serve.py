"""Running the server: a port, an address to open, and an end by Ctrl-C."""

import errno
import logging
import socket
import sys
import webbrowser
from collections.abc import Callable

import uvicorn
from starlette.types import ASGIApp

from tamis.errors import InputError
from tamis.server.patience import AT_ONCE, PER_ADDRESS, PatientProtocol, Sparingly
from tamis.server.security import LOCAL, Access


def bound_socket(host: str, port: int) -> socket.socket:
    """A socket on a port; on a free one if `port` is 0.

    Raises:
        InputError: the port is taken or not allowed, or there is no such address.
    """
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(
            host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
        made = socket.socket(family, kind, protocol)
        try:
            made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            made.bind(address)
        except OSError:
            made.close()
            raise
    except socket.gaierror as error:
        raise InputError(f"--host {host}: there is no such address; use 0.0.0.0 for all of this computer's") from error
    except OSError as error:
        if error.errno == errno.EADDRINUSE:
            raise InputError(f"--port {port}: is taken by another program; leave it out for a free one") from error
        if error.errno == errno.EACCES:
            raise InputError(f"--port {port}: needs permission; use one above 1023") from error
        raise InputError(f"--host {host}: is no address of this computer; use 0.0.0.0 for all of them") from error
    return made


def address_of(access: Access) -> str:
    """What to open in a browser."""
    token = f"?token={access.token}" if access.token else ""
    if access.public is not None:
        return access.public.address + token
    name = access.host
    if name in LOCAL:
        name = "127.0.0.1" if name == "127.0.0.1" else "localhost"
    elif name in ("0.0.0.0", "::", ""):
        name = socket.gethostname()
    elif ":" in name:
        name = f"[{name}]"
    return f"http://{name}:{access.port}/{token}"


def serve(
    app: ASGIApp,
    listening: socket.socket,
    started: Callable[[], None],
    behind_proxy: bool = False,
    stopping: Callable[[], None] = lambda: None,
) -> None:
    """Serve until Ctrl-C or a SIGTERM; requests at hand are finished first.

    Args:
        app: to serve.
        listening: the socket.
        started: called once requests are answered.
        behind_proxy: everybody comes from the same address.
        stopping: called when the end has begun, to end answers that would go on for ever.
    """
    protocol = type("Protocol", (PatientProtocol,), {"per_address": AT_ONCE if behind_proxy else PER_ADDRESS})
    config = uvicorn.Config(
        app,
        http=protocol,
        log_level="warning",
        access_log=False,
        timeout_graceful_shutdown=3,
        limit_concurrency=AT_ONCE,
        server_header=False,
        lifespan="on",
    )
    for name in ("uvicorn.error", "asyncio"):
        logging.getLogger(name).addFilter(Sparingly())
    server = _Server(config, started, stopping)
    # Many short answers wait for one another: threads take turns more often than by default.
    sys.setswitchinterval(0.001)
    try:
        server.run(sockets=[listening])
    except KeyboardInterrupt:
        pass  # uvicorn hands the signal on when it has shut down: that is how one stops the annotator
    finally:
        listening.close()


def open_browser(address: str) -> None:
    """Open the page where there is a browser; the address has been printed for all others."""
    try:
        webbrowser.open(address)
    except webbrowser.Error:
        return


class _Server(uvicorn.Server):
    def __init__(self, config: uvicorn.Config, started: Callable[[], None], stopping: Callable[[], None]) -> None:
        super().__init__(config)
        self._tell_started, self._tell_stopping = started, stopping

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        if self.started:
            self._tell_started()

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        self._tell_stopping()
        await super().shutdown(sockets)
