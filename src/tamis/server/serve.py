"""Running the server: a port, an address to open, and an end by Ctrl-C."""

import errno
import socket
import webbrowser
from collections.abc import Callable

import uvicorn
from starlette.types import ASGIApp

from tamis.errors import InputError
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
    name = access.host
    if name in LOCAL:
        name = "127.0.0.1" if name == "127.0.0.1" else "localhost"
    elif name in ("0.0.0.0", "::", ""):
        name = socket.gethostname()
    elif ":" in name:
        name = f"[{name}]"
    return f"http://{name}:{access.port}/" + (f"?token={access.token}" if access.token else "")


def serve(app: ASGIApp, listening: socket.socket, started: Callable[[], None]) -> None:
    """Serve until Ctrl-C or a SIGTERM; requests at hand are finished first.

    Args:
        app: to serve.
        listening: the socket.
        started: called once requests are answered.
    """
    config = uvicorn.Config(
        app, log_level="warning", access_log=False, timeout_graceful_shutdown=3, server_header=False, lifespan="on"
    )
    server = _Server(config, started)
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
    def __init__(self, config: uvicorn.Config, started: Callable[[], None]) -> None:
        super().__init__(config)
        self._tell_started = started

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        if self.started:
            self._tell_started()
