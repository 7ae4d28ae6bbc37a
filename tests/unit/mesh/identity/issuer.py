"""An issuer with one key, whose tokens can be made wrong in any one point."""

import json
from base64 import urlsafe_b64encode
from collections.abc import Callable, Mapping
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from mesh.identity import tokens
from mesh.identity.jwk import to_jwk
from mesh.identity.principal import Principal

NOW = 1_800_000_000


class Issuer:
    """Signs tokens of one user. Written by hand where they must be what no library would write."""

    def __init__(self) -> None:
        self.key = Ed25519PrivateKey.generate()
        self.jwk = to_jwk(self.key.public_key())
        self.kid = self.jwk["kid"]
        self.principal = Principal("u-1", "s-1", "user", float(NOW + tokens.LIFETIME_S))

    def good(self, token_id: str = "t-1") -> str:
        return tokens.sign(self.principal, issued_at=NOW, token_id=token_id, key=self.key, kid=self.kid)

    def forged(
        self,
        claims: Mapping[str, Any] | None = None,
        header: Mapping[str, Any] | None = None,
        *,
        without: str = "",
        sign: Callable[[bytes], bytes] | None = None,
    ) -> str:
        """A token with `claims` and `header` laid over the good ones, and `without` one of either."""
        good = {
            "iss": "chat",
            "aud": "chat",
            "sub": "u-1",
            "sid": "s-1",
            "role": "user",
            "wid": "default",
            "jti": "t-1",
            "iat": NOW,
        }
        parts = (
            {"alg": "EdDSA", "typ": "at+jwt", "kid": self.kid, **(header or {})},
            {**good, "exp": NOW + tokens.LIFETIME_S, **(claims or {})},
        )
        for part in parts:
            part.pop(without, None)
        signed = b".".join(_encode(json.dumps(part).encode()) for part in parts)
        return b".".join((signed, _encode((sign or self.key.sign)(signed)))).decode()


def _encode(data: bytes) -> bytes:
    return urlsafe_b64encode(data).rstrip(b"=")
