"""Ports and addresses."""

import socket
from collections.abc import Iterator

import pytest

from tamis.errors import InputError
from tamis.server.security import Access, new_token
from tamis.server.serve import address_of, bound_socket


@pytest.fixture
def taken() -> Iterator[int]:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        yield other.getsockname()[1]


def test_a_free_port_is_found() -> None:
    with bound_socket("127.0.0.1", 0) as one, bound_socket("127.0.0.1", 0) as two:
        assert one.getsockname()[1] != two.getsockname()[1]


def test_ports_and_hosts_that_cannot_be_used(taken: int) -> None:
    with pytest.raises(InputError, match=f"--port {taken}: is taken by another program; leave it out"):
        bound_socket("127.0.0.1", taken)
    with pytest.raises(InputError, match=r"--host no\.such\.host\.invalid: there is no such address"):
        bound_socket("no.such.host.invalid", 0)
    with pytest.raises(InputError, match=r"--host 203\.0\.113\.7: is no address of this computer"):
        bound_socket("203.0.113.7", 0)


@pytest.mark.parametrize(
    ("host", "token", "address"),
    [
        ("127.0.0.1", None, "http://127.0.0.1:80/"),
        ("localhost", None, "http://localhost:80/"),
        ("::1", None, "http://localhost:80/"),
        ("192.168.1.5", "t", "http://192.168.1.5:80/?token=t"),
        ("fe80::1", "t", "http://[fe80::1]:80/?token=t"),
        ("0.0.0.0", "t", f"http://{socket.gethostname()}:80/?token=t"),
    ],
)
def test_what_to_open(host: str, token: str | None, address: str) -> None:
    assert address_of(Access(host, 80, token)) == address


def test_tokens_are_long_and_never_the_same() -> None:
    tokens = {new_token() for _ in range(100)}
    assert len(tokens) == 100
    assert all(len(token) >= 32 for token in tokens)
