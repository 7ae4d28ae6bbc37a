"""What a token must be, and the many ways in which it can be wrong."""

import hashlib
import hmac
import json
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from mesh.errors import Unauthenticated
from mesh.identity import tokens
from mesh.identity.principal import Principal
from tests.unit.mesh.identity.issuer import NOW, Issuer

ISSUER = Issuer()


def check(token: str, now: float = NOW) -> Principal:
    assert tokens.key_id(token) == ISSUER.kid
    return tokens.verify(token, ISSUER.key.public_key(), now)


def hs256(key: bytes) -> Any:
    return lambda signed: hmac.digest(key, signed, hashlib.sha256)


def pem() -> bytes:
    return ISSUER.key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)


def test_a_signed_token_stands_for_its_principal() -> None:
    """What was signed comes back, all of it."""
    assert check(ISSUER.good()) == ISSUER.principal


def test_a_signed_token_has_the_header_and_claims_of_its_profile() -> None:
    """RFC 9068: typ at+jwt and a key id; issuer, audience, subject, times and an id of its own."""
    token = ISSUER.good("t-9")
    assert jwt.get_unverified_header(token) == {"alg": "EdDSA", "typ": "at+jwt", "kid": ISSUER.kid}
    assert json.loads(jwt.PyJWS().decode(token, ISSUER.key.public_key(), ["EdDSA"])) == {
        "iss": "chat",
        "aud": "chat",
        "sub": "u-1",
        "sid": "s-1",
        "role": "user",
        "wid": "default",
        "iat": NOW,
        "exp": NOW + 600,
        "jti": "t-9",
    }


def test_the_hand_written_token_of_these_tests_is_good() -> None:
    """Otherwise each refusal below could have a reason of its own."""
    assert check(ISSUER.forged()) == ISSUER.principal
    assert check(ISSUER.forged({"nbf": NOW})) == ISSUER.principal


def test_a_token_ends_at_its_second() -> None:
    """No leeway: good until just before exp, ended at exp."""
    assert check(ISSUER.good(), NOW + 599.999)
    with pytest.raises(Unauthenticated, match="TOKEN_EXPIRED"):
        check(ISSUER.good(), NOW + 600)


BAD_HEADERS = {
    "none": ISSUER.forged(header={"alg": "none"}, sign=lambda _: b""),
    "no algorithm": ISSUER.forged(without="alg"),
    "hs256 with the public key": ISSUER.forged(header={"alg": "HS256"}, sign=hs256(pem())),
    "hs512 with the public key": ISSUER.forged(header={"alg": "HS512"}, sign=hs256(pem())),
    "rs256": ISSUER.forged(header={"alg": "RS256"}),
    "es256": ISSUER.forged(header={"alg": "ES256"}),
    "another curve of the same family": ISSUER.forged(header={"alg": "Ed448"}),
    "none in capitals": ISSUER.forged(header={"alg": "NONE"}, sign=lambda _: b""),
    "algorithm is null": ISSUER.forged(header={"alg": None}),
    "hs256 with the raw public key": ISSUER.forged(
        header={"alg": "HS256"}, sign=hs256(ISSUER.key.public_key().public_bytes_raw())
    ),
    "algorithm in small letters": ISSUER.forged(header={"alg": "eddsa"}),
    "list of algorithms": ISSUER.forged(header={"alg": ["EdDSA"]}),
    "plain JWT type": ISSUER.forged(header={"typ": "JWT"}),
    "type in capitals": ISSUER.forged(header={"typ": "AT+JWT"}),
    "long type": ISSUER.forged(header={"typ": "application/at+jwt"}),
    "no type": ISSUER.forged(without="typ"),
    "no kid": ISSUER.forged(without="kid"),
    "kid is a number": ISSUER.forged(header={"kid": 1}),
    "kid is a list": ISSUER.forged(header={"kid": [ISSUER.kid]}),
    "kid is null": ISSUER.forged(header={"kid": None}),
    "content type": ISSUER.forged(header={"cty": "JWT"}),
    "compressed": ISSUER.forged(header={"zip": "DEF"}),
    "x5t": ISSUER.forged(header={"x5t": "AAAA"}),
    "two kids, one of another letter case": ISSUER.forged(header={"KID": ISSUER.kid}),
    "crit": ISSUER.forged(header={"crit": ["exp"], "exp": 1}),
    "jku": ISSUER.forged(header={"jku": "https://example.com/keys"}),
    "jwk": ISSUER.forged(header={"jwk": ISSUER.jwk}),
    "x5u": ISSUER.forged(header={"x5u": "https://example.com/cert"}),
    "x5c": ISSUER.forged(header={"x5c": ["MIIB"]}),
    "detached": ISSUER.forged(header={"b64": False}),
    "empty": "",
    "garbage": "garbage",
    "dots": "...",
    "not base64": "!!.!!.!!",
    "header is no object": "W10.e30.AAAA",
    "not ascii": ISSUER.good() + "é",
    "lone surrogate": ISSUER.good() + "\udc80",
    "huge": ISSUER.forged({"pad": "x" * 4096}),
}


@pytest.mark.parametrize("token", BAD_HEADERS.values(), ids=BAD_HEADERS.keys())
def test_refuses_before_any_key_is_asked_for(token: str) -> None:
    """A token whose header is not exactly ours never reaches a key."""
    with pytest.raises(Unauthenticated, match="TOKEN_INVALID"):
        tokens.key_id(token)


BAD_CLAIMS: dict[str, dict[str, Any]] = {
    "other audience": {"aud": "chat-admin"},
    "list of audiences": {"aud": ["chat"]},
    "other issuer": {"iss": "chat.example.com"},
    "list of issuers": {"iss": ["chat"]},
    "issuer with a suffix": {"iss": "chat2"},
    "issuer with a prefix": {"iss": "a.chat"},
    "issuer with a blank": {"iss": "chat "},
    "issuer in capitals": {"iss": "CHAT"},
    "issuer is null": {"iss": None},
    "audience with a suffix": {"aud": "chat2"},
    "audience is null": {"aud": None},
    "sub is a list": {"sub": ["u-1"]},
    "sid is empty": {"sid": ""},
    "wid is empty": {"wid": ""},
    "wid is null": {"wid": None},
    "role is empty": {"role": ""},
    "exp is null": {"exp": None},
    "exp is a list": {"exp": [NOW + 600]},
    "iat is true": {"iat": True},
    "iat is a fraction": {"iat": NOW + 0.5},
    "nbf is true": {"nbf": True},
    "nbf is null": {"nbf": None},
    "sub is empty": {"sub": ""},
    "sub is a number": {"sub": 7},
    "sid is null": {"sid": None},
    "wid is a number": {"wid": 1},
    "role is a list": {"role": ["admin"]},
    "jti is a number": {"jti": 1},
    "exp is text": {"exp": str(NOW + 600)},
    "exp is a fraction": {"exp": NOW + 600.5},
    "exp is infinite": {"exp": float("inf")},
    "exp is true": {"exp": True},
    "iat is text": {"iat": "now"},
    "not yet": {"nbf": NOW + 1},
    "nbf is text": {"nbf": "0"},
}


@pytest.mark.parametrize("claims", BAD_CLAIMS.values(), ids=BAD_CLAIMS.keys())
def test_refuses_claims_that_are_not_ours(claims: dict[str, Any]) -> None:
    """A good signature does not make up for a wrong claim."""
    with pytest.raises(Unauthenticated, match="TOKEN_INVALID"):
        check(ISSUER.forged(claims))


@pytest.mark.parametrize("claim", ["iss", "aud", "sub", "sid", "role", "wid", "jti", "iat", "exp"])
def test_refuses_a_token_without_a_required_claim(claim: str) -> None:
    """Nothing has a default."""
    with pytest.raises(Unauthenticated, match="TOKEN_INVALID"):
        check(ISSUER.forged(without=claim))


def test_refuses_another_key_under_the_same_id() -> None:
    """The id of a key proves nothing."""
    with pytest.raises(Unauthenticated, match="TOKEN_INVALID"):
        check(ISSUER.forged(sign=Ed25519PrivateKey.generate().sign))


def test_refuses_a_truncated_or_changed_token() -> None:
    """No part of the signature or of what is signed can be left out or exchanged."""
    header, claims, signature = ISSUER.good().split(".")
    _, other, _ = ISSUER.forged({"sub": "u-2"}).split(".")
    for token in (f"{header}.{claims}.", f"{header}.{claims}.{signature[:-4]}", f"{header}.{other}.{signature}"):
        with pytest.raises(Unauthenticated, match="TOKEN_INVALID"):
            check(token)


@pytest.mark.parametrize("payload", [b"[]", b"{", b"\xff"])
def test_refuses_a_signed_payload_that_is_no_object(payload: bytes) -> None:
    """A signature over something else is not a token."""
    token = jwt.PyJWS().encode(payload, ISSUER.key, "EdDSA", headers={"typ": "at+jwt", "kid": ISSUER.kid})
    with pytest.raises(Unauthenticated, match="TOKEN_INVALID"):
        check(token)


def test_a_refusal_tells_nothing_of_its_cause() -> None:
    """The library's reason stays out of the error and its chain."""
    with pytest.raises(Unauthenticated) as refusal:
        tokens.key_id("garbage")
    assert refusal.value.__cause__ is None
    assert refusal.value.__suppress_context__
    assert refusal.value.message == "The access token is not valid."
