"""Ed25519 public keys as JSON Web Keys (RFC 8037), named by their thumbprint (RFC 7638)."""

import hashlib
import json
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Mapping

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

_KIND = {"kty": "OKP", "crv": "Ed25519"}
_PRIME = 2**255 - 19
_OF_ORDER_8 = 0x05FC536D880238B13933C6D305ACDFD5F098EFF289F4C345B027B2C28F95E826
# As they are written, without the sign; 0 and 1 also as numbers beyond the prime, which some libraries take.
_SMALL_ORDER = {0, 1, _PRIME - 1, _PRIME, _PRIME + 1, _OF_ORDER_8, _PRIME - _OF_ORDER_8}


def to_jwk(key: Ed25519PublicKey) -> dict[str, str]:
    """The JWK of `key`, with the members `kty crv x kid use alg`."""
    required = {**_KIND, "x": _encode(key.public_bytes_raw())}
    canonical = json.dumps(required, sort_keys=True, separators=(",", ":"))
    kid = _encode(hashlib.sha256(canonical.encode()).digest())
    return {**required, "kid": kid, "use": "sig", "alg": "EdDSA"}


def from_jwk(jwk: Mapping[str, str]) -> Ed25519PublicKey | None:
    """The key of `jwk`; None when it is of another kind, which a key set may hold (RFC 7517 §5), or no sound one."""
    if any(jwk.get(name) != value for name, value in _KIND.items()):
        return None
    try:
        raw = urlsafe_b64decode(jwk["x"] + "=")
        return None if _is_weak(raw) else Ed25519PublicKey.from_public_bytes(raw)
    except (KeyError, ValueError):
        return None


def _is_weak(raw: bytes) -> bool:
    """Whether signatures of the key can be made by anybody: its point is one of the eight of small order."""
    return int.from_bytes(raw, "little") % (1 << 255) in _SMALL_ORDER


def _encode(data: bytes) -> str:
    return urlsafe_b64encode(data).rstrip(b"=").decode()
