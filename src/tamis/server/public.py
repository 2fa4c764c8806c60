"""The address under which people reach the annotator where that is not the one that it listens on: behind a proxy."""

from dataclasses import dataclass
from urllib.parse import urlsplit

from tamis.errors import InputError


@dataclass(frozen=True)
class Public:
    """An address such as https://host/path.

    Attributes:
        scheme: http or https.
        netloc: name, and port where it is not the usual one, in lower case.
        path: what stands before every path of the annotator, "" or beginning and not ending with a slash.
    """

    scheme: str
    netloc: str
    path: str = ""

    @property
    def origin(self) -> str:
        """What browsers call where a page is from."""
        return f"{self.scheme}://{self.netloc}"

    @property
    def name(self) -> str:
        """The name of the host."""
        return urlsplit(self.origin).hostname or ""

    @property
    def address(self) -> str:
        """To open in a browser."""
        return f"{self.origin}{self.path}/"

    def within(self, path: str) -> str | None:
        """A path without what stands before all; as it is if the proxy has taken that away; None for /path itself."""
        if self.path and path == self.path:
            return None
        return path[len(self.path) :] if self.path and path.startswith(f"{self.path}/") else path


def public_at(url: str) -> Public:
    """The address that an option gives.

    Raises:
        InputError: it is none.
    """
    try:
        parts = urlsplit(url.strip())
        port = parts.port
    except ValueError:
        parts, port = urlsplit(""), None
    if parts.scheme not in ("http", "https") or not parts.hostname or parts.query or parts.fragment or parts.username:
        raise InputError(f"--base-url {url}: is no address; write it as people open it, such as https://host/path")
    usual = {"http": 80, "https": 443}[parts.scheme]
    name = f"[{parts.hostname}]" if ":" in parts.hostname else parts.hostname
    netloc = name if port in (None, usual) else f"{name}:{port}"
    return Public(parts.scheme, netloc, parts.path.rstrip("/"))
