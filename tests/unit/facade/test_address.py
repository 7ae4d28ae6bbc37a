"""Where a client calls from: believed of proxies that are trusted, and of nobody else."""

from typing import Any

import pytest

from facade.address import Addresses

PROXIES = "10.0.0.0/8, 192.0.2.7, 2001:db8:ffff::/48"


def scope(peer: str | None, *forwarded: str) -> dict[str, Any]:
    headers = [(b"x-forwarded-for", value.encode("latin-1")) for value in forwarded]
    return {"type": "http", "client": (peer, 1234) if peer is not None else None, "headers": headers}


@pytest.mark.parametrize(
    ("peer", "forwarded", "address"),
    [
        ("203.0.113.9", [], "203.0.113.9"),
        ("203.0.113.9", ["198.51.100.1"], "203.0.113.9"),
        ("10.0.0.1", [], "10.0.0.1"),
        ("10.0.0.1", ["198.51.100.1"], "198.51.100.1"),
        ("192.0.2.7", ["198.51.100.1"], "198.51.100.1"),
        ("192.0.2.8", ["198.51.100.1"], "192.0.2.8"),
        ("10.0.0.1", ["198.51.100.1, 203.0.113.9"], "203.0.113.9"),
        ("10.0.0.1", ["198.51.100.1, 203.0.113.9, 10.0.0.2"], "203.0.113.9"),
        ("10.0.0.1", ["198.51.100.1", "203.0.113.9, 10.0.0.2"], "203.0.113.9"),
        ("10.0.0.1", ["10.0.0.3, 10.0.0.2"], "10.0.0.3"),
        ("10.0.0.1", ["198.51.100.1, who?"], "10.0.0.1"),
        ("10.0.0.1", ["198.51.100.1, , 10.0.0.2"], "10.0.0.2"),
        ("10.0.0.1", [""], "10.0.0.1"),
        ("10.0.0.1", ["unknown"], "10.0.0.1"),
        ("10.0.0.1", ["198.51.100.1:5678"], "198.51.100.1"),
        ("10.0.0.1", ["[2001:db8::1]:443"], "2001:db8::1"),
        ("10.0.0.1", ["2001:db8::1"], "2001:db8::1"),
        ("2001:db8:ffff::1", ["2001:DB8::1"], "2001:db8::1"),
        ("::ffff:10.0.0.1", ["::ffff:198.51.100.1"], "198.51.100.1"),
        ("testclient", ["198.51.100.1"], "testclient"),
        (None, ["198.51.100.1"], ""),
    ],
)
def test_a_hop_is_believed_as_long_as_its_writer_is_trusted(
    peer: str | None, forwarded: list[str], address: str
) -> None:
    """The last one that a trusted proxy heard counts; what a client writes in front of it does not."""
    assert Addresses(PROXIES).of(scope(peer, *forwarded)) == address


def test_without_proxies_nothing_is_believed() -> None:
    """As it is by default, from this very machine too."""
    assert Addresses("").of(scope("127.0.0.1", "198.51.100.1")) == "127.0.0.1"


@pytest.mark.parametrize("proxies", ["10.0.0.1/8", "proxy.example.com", "10.0.0.0/33"])
def test_what_is_no_network_is_refused(proxies: str) -> None:
    """A mistake there would trust nobody, or everybody."""
    with pytest.raises(ValueError, match=proxies):
        Addresses(proxies)
