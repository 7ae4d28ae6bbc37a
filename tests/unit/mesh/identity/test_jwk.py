"""JSON Web Keys against the published examples of RFC 8037."""

from base64 import urlsafe_b64decode

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from mesh.identity.jwk import from_jwk, to_jwk

X = "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"


def test_names_the_key_of_rfc_8037_by_its_thumbprint() -> None:
    """RFC 8037 A.2 and A.3: the key and its thumbprint."""
    key = Ed25519PublicKey.from_public_bytes(urlsafe_b64decode(X + "="))
    assert to_jwk(key) == {
        "kty": "OKP",
        "crv": "Ed25519",
        "x": X,
        "kid": "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k",
        "use": "sig",
        "alg": "EdDSA",
    }


def test_reads_what_it_wrote() -> None:
    """A key survives the way through its JWK."""
    key = Ed25519PrivateKey.generate().public_key()
    assert from_jwk(to_jwk(key)) == key


def test_leaves_out_keys_of_another_kind() -> None:
    """A set may hold keys that are not for us."""
    assert from_jwk({"kty": "RSA", "n": "AQAB", "e": "AQAB"}) is None
    assert from_jwk({"kty": "OKP", "crv": "Ed448", "x": X}) is None
