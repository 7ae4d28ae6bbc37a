"""Access tokens: JWTs of the profile RFC 9068, signed with Ed25519. What is signed and what is checked stand together.

The library checks the signature. Header and claims are checked here: it knows no `typ`, and takes lists of audiences.
"""

import json
from typing import Any, NoReturn

import jwt
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from mesh.errors import Unauthenticated
from mesh.identity.principal import Principal

ISSUER = "chat"
AUDIENCE = "chat"
TYPE = "at+jwt"
ALGORITHM = "EdDSA"
LIFETIME_S = 600
MAX_LENGTH = 4096

_JWS = jwt.PyJWS(algorithms=[ALGORITHM])
_HEADER = {"alg", "typ", "kid"}
_TEXTS = ("sub", "sid", "role", "wid", "jti")


def sign(principal: Principal, *, issued_at: int, token_id: str, key: Ed25519PrivateKey, kid: str) -> str:
    """The token that proves `principal` until its `expires_at`. `issued_at` is in seconds since the epoch."""
    claims = {
        "iss": ISSUER,
        "aud": AUDIENCE,
        "sub": principal.user_id,
        "sid": principal.session_id,
        "role": principal.role,
        "wid": principal.workspace_id,
        "iat": issued_at,
        "exp": int(principal.expires_at),
        "jti": token_id,
    }
    return jwt.encode(claims, key, algorithm=ALGORITHM, headers={"typ": TYPE, "kid": kid})


def key_id(token: str) -> str:
    """The key that `token` names: nothing is proven yet. Raises Unauthenticated (TOKEN_INVALID)."""
    if len(token) > MAX_LENGTH or not token.isascii():
        _refuse()
    try:
        header = jwt.get_unverified_header(token)
    except jwt.InvalidTokenError:
        _refuse()
    # An exact set of names also keeps out crit, jku, jwk, x5c, x5u and whatever else could bring a key of its own.
    if header.keys() != _HEADER or header["alg"] != ALGORITHM or header["typ"] != TYPE:
        _refuse()
    return str(header["kid"])


def verify(token: str, key: Ed25519PublicKey, now: float) -> Principal:
    """Whom `token`, whose header `key_id` has passed, stands for at `now`, without leeway.

    Raises Unauthenticated (TOKEN_INVALID, TOKEN_EXPIRED).
    """
    try:
        payload = _JWS.decode(token, key, algorithms=[ALGORITHM])
        claims = json.loads(payload)
    except (jwt.InvalidTokenError, ValueError):
        _refuse()
    if not isinstance(claims, dict) or not _sound(claims, now):
        _refuse()
    if claims["exp"] <= now:
        raise Unauthenticated("TOKEN_EXPIRED", "The access token has ended. Refresh it.")
    return Principal(claims["sub"], claims["sid"], claims["role"], float(claims["exp"]), claims["wid"])


def _sound(claims: dict[str, Any], now: float) -> bool:
    return (
        claims.get("iss") == ISSUER
        and claims.get("aud") == AUDIENCE
        and all(isinstance(claims.get(name), str) and claims[name] for name in _TEXTS)
        and all(type(claims.get(name)) is int for name in ("iat", "exp"))
        and ("nbf" not in claims or (type(claims["nbf"]) is int and claims["nbf"] <= now))
    )


def _refuse() -> NoReturn:
    # Raised without a cause: what exactly was wrong is of use to an attacker only.
    raise Unauthenticated("TOKEN_INVALID", "The access token is not valid.") from None
