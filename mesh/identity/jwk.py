"""Ed25519 public keys as JSON Web Keys (RFC 8037), named by their thumbprint (RFC 7638)."""

import hashlib
import json
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Mapping

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

_KIND = {"kty": "OKP", "crv": "Ed25519"}


def to_jwk(key: Ed25519PublicKey) -> dict[str, str]:
    """The JWK of `key`, with the members `kty crv x kid use alg`."""
    required = {**_KIND, "x": _encode(key.public_bytes_raw())}
    canonical = json.dumps(required, sort_keys=True, separators=(",", ":"))
    kid = _encode(hashlib.sha256(canonical.encode()).digest())
    return {**required, "kid": kid, "use": "sig", "alg": "EdDSA"}


def from_jwk(jwk: Mapping[str, str]) -> Ed25519PublicKey | None:
    """The key of `jwk`; None when it is of another kind, which a key set may hold (RFC 7517 §5)."""
    if any(jwk.get(name) != value for name, value in _KIND.items()):
        return None
    return Ed25519PublicKey.from_public_bytes(urlsafe_b64decode(jwk["x"] + "="))


def _encode(data: bytes) -> str:
    return urlsafe_b64encode(data).rstrip(b"=").decode()
