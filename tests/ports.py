"""Addresses for servers that come and go."""

import socket

_reserved: list[socket.socket] = []


def reserve_port() -> int:
    """A port of 127.0.0.1 that nobody is given by chance, as long as this process lives.

    It stays bound without being listened on: that keeps the system from giving it to anybody else, be it a listener
    or a connection, and a server that names it may still listen there (`SO_REUSEADDR`, which servers set), as often as
    it is started.
    """
    reservation = socket.socket()
    reservation.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    reservation.bind(("127.0.0.1", 0))
    _reserved.append(reservation)
    port: int = reservation.getsockname()[1]
    return port


def reserve_address() -> str:
    """`127.0.0.1:<port>` of a reserved port."""
    return f"127.0.0.1:{reserve_port()}"
