"""Signing keys and their set."""

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from mesh.identity.jwk import from_jwk
from services.user.keys.domain import KeySet, SigningKey


def test_a_key_is_known_by_its_public_half() -> None:
    """The JWK verifies what the key signs, and its id is the JWK's."""
    key = SigningKey.of(Ed25519PrivateKey.generate())
    public = from_jwk(key.jwk)
    assert public == key.private.public_key()
    assert key.kid == key.jwk["kid"]
    assert "d" not in key.jwk


def test_the_first_key_of_a_set_signs() -> None:
    """The others verify only."""
    first, second = (SigningKey.of(Ed25519PrivateKey.generate()) for _ in range(2))
    assert KeySet((first, second)).current is first
