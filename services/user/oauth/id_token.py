"""What makes an ID token one that can be believed (OpenID Connect Core §3.1.3.7)."""

import hmac
import json
from base64 import urlsafe_b64encode
from collections.abc import Mapping
from hashlib import sha256, sha512
from typing import Any

import jwt

ALGORITHMS = {"RS256": sha256, "ES256": sha256, "EdDSA": sha512}
"""How a provider may sign, and what the hash of the access token is made with."""
LEEWAY_S = 60
"""How far its clock may differ from ours."""
MAX_AGE_S = 600
MAX_LENGTH = 16 << 10
MAX_SUBJECT = 255
_REQUIRED = {"iss", "sub", "aud", "exp", "iat"}


class BadToken(Exception):
    """The token is not to be believed. The text is for the log."""


def header_of(token: str) -> tuple[str, str]:
    """The key, by its id or empty, and the algorithm that a token names: nothing is proven yet. Raises BadToken."""
    if len(token) > MAX_LENGTH:
        raise BadToken("it is too long")
    try:
        header = jwt.get_unverified_header(token)
    except jwt.InvalidTokenError:
        raise BadToken("it is no token") from None
    if header.get("alg") not in ALGORITHMS or "crit" in header:
        raise BadToken("it is signed in a way that is not taken")
    return str(header.get("kid", "")), str(header["alg"])


def read(
    token: str, key: jwt.PyJWK, *, issuer: str, client_id: str, nonce: str, access_token: str, now: float
) -> Mapping[str, Any]:
    """The claims of a token that was issued by `issuer` to us, for this log-in and of late. Raises BadToken.

    The library checks the signature. The claims are checked here: by a clock that is passed in, and each exactly.
    """
    _, algorithm = header_of(token)
    if key.algorithm_name != algorithm:
        raise BadToken("its key is for another algorithm")
    try:
        claims = json.loads(jwt.PyJWS(algorithms=[algorithm]).decode(token, key.key, algorithms=[algorithm]))
    except (jwt.InvalidTokenError, TypeError, ValueError) as error:
        raise BadToken(type(error).__name__) from None
    if not isinstance(claims, dict) or not claims.keys() >= _REQUIRED:
        raise BadToken("a claim is missing")
    for is_right, what in _judged(claims, issuer, client_id, nonce, now):
        if not is_right:
            raise BadToken(f"{what} is wrong")
    if "at_hash" in claims and not _same(claims["at_hash"], _half_hash(access_token, algorithm)):
        raise BadToken("at_hash is wrong")
    return claims


def _judged(claims: Mapping[str, Any], issuer: str, client_id: str, nonce: str, now: float) -> list[tuple[bool, str]]:
    audiences = claims["aud"] if isinstance(claims["aud"], list) else [claims["aud"]]
    subject, azp = claims["sub"], claims.get("azp")
    times = [claims.get(name, now) for name in ("exp", "iat", "nbf")]
    if not all(isinstance(time, int | float) and not isinstance(time, bool) for time in times):
        return [(False, "a time")]
    expires_at, issued_at, not_before = times
    return [
        (claims["iss"] == issuer, "iss"),
        (isinstance(subject, str) and 0 < len(subject) <= MAX_SUBJECT, "sub"),
        (client_id in audiences, "aud"),
        (azp == client_id or (azp is None and len(audiences) == 1), "azp"),
        (_same(claims.get("nonce"), nonce), "nonce"),
        (expires_at > now - LEEWAY_S, "exp"),
        (now - MAX_AGE_S - LEEWAY_S < issued_at < now + LEEWAY_S, "iat"),
        (not_before < now + LEEWAY_S, "nbf"),
    ]


def _half_hash(access_token: str, algorithm: str) -> str:
    digest = ALGORITHMS[algorithm](access_token.encode()).digest()
    return urlsafe_b64encode(digest[: len(digest) // 2]).rstrip(b"=").decode()


def _same(said: object, expected: str) -> bool:
    return isinstance(said, str) and hmac.compare_digest(said.encode(), expected.encode())
