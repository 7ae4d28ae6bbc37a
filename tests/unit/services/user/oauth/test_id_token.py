"""Which ID tokens are believed."""

import json
from base64 import urlsafe_b64encode
from collections.abc import Callable
from hashlib import sha256, sha512
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from jwt.algorithms import ECAlgorithm, OKPAlgorithm, RSAAlgorithm

from services.user.oauth import id_token
from services.user.oauth.id_token import BadToken

NOW = 1_800_000_000
ISSUER, CLIENT, NONCE, ACCESS = "https://id.example.com", "chat", "nonce", "access"
PRIVATE: dict[str, Any] = {
    "RS256": rsa.generate_private_key(65537, 2048),
    "ES256": ec.generate_private_key(ec.SECP256R1()),
    "EdDSA": ed25519.Ed25519PrivateKey.generate(),
}
TO_JWK: dict[str, Callable[..., str]] = {
    "RS256": RSAAlgorithm.to_jwk,
    "ES256": ECAlgorithm.to_jwk,
    "EdDSA": OKPAlgorithm.to_jwk,
}
PUBLIC = {name: jwt.PyJWK(json.loads(TO_JWK[name](key.public_key()))) for name, key in PRIVATE.items()}


def claims(**changed: Any) -> dict[str, Any]:
    """Good claims, but for what is changed; None leaves one out."""
    good = {"iss": ISSUER, "aud": CLIENT, "sub": "s-1", "exp": NOW + 300, "iat": NOW - 1, "nonce": NONCE, **changed}
    return {name: value for name, value in good.items() if value is not None}


def signed(payload: dict[str, Any], algorithm: str = "ES256", **header: Any) -> str:
    data = json.dumps(payload).encode()
    return jwt.PyJWS().encode(data, PRIVATE[algorithm], algorithm=algorithm, headers={"kid": "k", **header})


def read(token: str, algorithm: str = "ES256") -> Any:
    return id_token.read(
        token, PUBLIC[algorithm], issuer=ISSUER, client_id=CLIENT, nonce=NONCE, access_token=ACCESS, now=NOW
    )


def half(digest: bytes) -> str:
    return urlsafe_b64encode(digest[: len(digest) // 2]).rstrip(b"=").decode()


AT_HASH = {"RS256": half(sha256(b"access").digest()), "EdDSA": half(sha512(b"access").digest())}
AT_HASH["ES256"] = AT_HASH["RS256"]


@pytest.mark.parametrize("algorithm", PRIVATE)
def test_a_good_token_is_believed(algorithm: str) -> None:
    """However it is signed, with a hash of the access token or without."""
    for more in ({}, {"at_hash": AT_HASH[algorithm]}, {"azp": CLIENT}, {"aud": [CLIENT]}, {"exp": NOW + 0.5}):
        assert read(signed(claims(**more), algorithm), algorithm)["sub"] == "s-1"
    assert id_token.header_of(signed(claims(), algorithm)) == ("k", algorithm)


@pytest.mark.parametrize(
    "wrong",
    [
        {"iss": "https://id.example.com/"},
        {"iss": "https://id.example.com.evil.test"},
        {"iss": [ISSUER]},
        {"iss": None},
        {"aud": "other"},
        {"aud": []},
        {"aud": ["other"]},
        {"aud": [CLIENT, "other"]},
        {"aud": [CLIENT, "other"], "azp": "other"},
        {"aud": {"chat": 1}},
        {"aud": None},
        {"azp": "other"},
        {"azp": [CLIENT]},
        {"sub": ""},
        {"sub": 7},
        {"sub": "s" * 256},
        {"sub": None},
        {"nonce": "other"},
        {"nonce": None},
        {"nonce": [NONCE]},
        {"nonce": "nönce"},
        {"exp": NOW - 61},
        {"exp": "never"},
        {"exp": True},
        {"exp": None},
        {"iat": NOW + 61},
        {"iat": NOW - 700},
        {"iat": None},
        {"nbf": NOW + 61},
        {"at_hash": "other"},
        {"at_hash": 7},
    ],
)
def test_a_token_for_anything_else_is_not(wrong: dict[str, Any]) -> None:
    """Another issuer, audience, log-in, or time; each claim by itself."""
    with pytest.raises(BadToken):
        read(signed(claims(**wrong)))


def test_two_audiences_need_to_say_who_asked() -> None:
    """And then it must be us."""
    assert read(signed(claims(aud=[CLIENT, "other"], azp=CLIENT)))


def test_a_clock_may_differ_by_a_minute() -> None:
    """Of a provider that is not ours."""
    assert read(signed(claims(iat=NOW + 59, nbf=NOW + 59)))
    assert read(signed(claims(exp=NOW - 59)))


def unsigned(header: dict[str, Any]) -> str:
    parts = (json.dumps(part).encode() for part in (header, claims()))
    return ".".join(urlsafe_b64encode(part).rstrip(b"=").decode() for part in parts) + "."


@pytest.mark.parametrize(
    "token",
    [
        "",
        "x",
        "a.b.c",
        "x" * 20_000,
        unsigned({"alg": "none"}),
        unsigned({"alg": "NONE", "kid": "k"}),
        jwt.encode(claims(), "a secret of thirty-two characters", algorithm="HS256"),
        jwt.encode(claims(), PRIVATE["RS256"], algorithm="PS256"),
        signed(claims(), crit=["exp"]),
        signed(claims(), "RS256"),
        signed(claims())[:-6] + "AAAAAA",
    ],
)
def test_what_is_not_signed_as_agreed_is_not_believed(token: str) -> None:
    """No algorithm but those that are taken, and only by the key that it was made for."""
    with pytest.raises(BadToken):
        read(token)


def test_a_key_signs_by_its_own_algorithm_only() -> None:
    """What a token says about it is not asked."""
    with pytest.raises(BadToken):
        read(signed(claims(), "EdDSA"), "RS256")


def test_what_is_signed_must_be_claims() -> None:
    """A list is none."""
    with pytest.raises(BadToken):
        read(jwt.PyJWS().encode(b"[]", PRIVATE["ES256"], algorithm="ES256"))
