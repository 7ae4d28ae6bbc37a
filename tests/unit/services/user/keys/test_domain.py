"""Signing keys and how they follow each other."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from mesh.identity.jwk import from_jwk
from mesh.identity.keys import REFRESH_EVERY_S
from services.user.keys.domain import LEAD, RETIREMENT, KeySet, SigningKey
from services.user.keys.ring import REREAD

NOW = datetime(2027, 1, 15, 8, 0, tzinfo=UTC)


def made(after: timedelta = timedelta(), *, gone: timedelta | None = None) -> SigningKey:
    key = SigningKey.of(Ed25519PrivateKey.generate(), NOW, after)
    return replace(key, gone_at=None if gone is None else NOW + gone)


def test_a_key_is_known_by_its_public_half() -> None:
    """The JWK verifies what the key signs, and its id is the JWK's."""
    key = made()
    public = from_jwk(key.jwk)
    assert public == key.private.public_key()
    assert key.kid == key.jwk["kid"]
    assert "d" not in key.jwk


def test_the_newest_key_whose_time_has_come_signs() -> None:
    """A successor takes over at its moment, not before."""
    first, second = made(), made(LEAD)
    keys = KeySet([first, second])
    assert keys.signer(NOW + LEAD - timedelta(microseconds=1)) is first
    assert keys.signer(NOW + LEAD) is second
    assert keys.signer(NOW - timedelta(hours=1)) is first  # A clock that is behind.


def test_a_key_is_published_before_it_signs_and_after() -> None:
    """Until it is gone; the one that signs comes first."""
    first, second = made(gone=LEAD + RETIREMENT), made(LEAD)
    keys = KeySet([first, second])
    assert keys.published(NOW) == [first, second]
    assert keys.published(NOW + LEAD) == [second, first]
    assert keys.published(NOW + LEAD + RETIREMENT) == [second]


def test_a_rotation_is_under_way_until_the_successor_signs() -> None:
    """The first key of all has nobody to follow."""
    first, second = made(), made(LEAD)
    assert KeySet([first]).pending(NOW - timedelta(seconds=1)) is None
    assert KeySet([first, second]).pending(NOW) is second
    assert KeySet([first, second]).pending(NOW + LEAD) is None


def test_a_key_is_known_to_everybody_when_it_signs() -> None:
    """An instance that has not heard of it and a verifier that has just asked both look again in time."""
    assert REREAD + timedelta(seconds=REFRESH_EVERY_S) < LEAD
