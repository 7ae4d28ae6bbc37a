"""What a ticket is."""

import re

from services.user.tickets.domain import hash_of, new_secret


def test_a_ticket_is_a_secret_that_only_its_hash_is_kept_of() -> None:
    """256 bits, as text that needs no escaping."""
    secret = new_secret(lambda size: bytes(range(size)))
    assert re.fullmatch(r"[A-Za-z0-9_-]{43}", secret)
    assert len(hash_of(secret)) == 32
    assert hash_of(secret) != hash_of(new_secret(bytes))
