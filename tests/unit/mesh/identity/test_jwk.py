"""JSON Web Keys against the published examples of RFC 8037."""

from base64 import urlsafe_b64decode, urlsafe_b64encode

import pytest
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


@pytest.mark.parametrize(
    "x", [None, "", "AAAA", X[:-1], X + X, "!" * 43], ids=["none", "empty", "short", "cut", "long", "not base64"]
)
def test_leaves_out_what_is_no_key(x: str | None) -> None:
    """A set with a broken member is of use all the same."""
    assert from_jwk({"kty": "OKP", "crv": "Ed25519"} | ({} if x is None else {"x": x})) is None


P = 2**255 - 19
OF_ORDER_8 = bytes.fromhex("26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05")
SMALL_ORDER = [0, 1, P - 1, P, P + 1, int.from_bytes(OF_ORDER_8, "little"), P - int.from_bytes(OF_ORDER_8, "little")]


def jwk_of(raw: bytes) -> dict[str, str]:
    return {"kty": "OKP", "crv": "Ed25519", "x": urlsafe_b64encode(raw).rstrip(b"=").decode()}


@pytest.mark.parametrize("sign", [0, 1 << 255])
@pytest.mark.parametrize("number", SMALL_ORDER)
def test_leaves_out_keys_that_anybody_can_sign_for(number: int, sign: int) -> None:
    """The points of small order, in every spelling."""
    assert from_jwk(jwk_of((number + sign).to_bytes(32, "little"))) is None


def test_leaves_out_keys_of_another_kind() -> None:
    """A set may hold keys that are not for us."""
    assert from_jwk({"kty": "RSA", "n": "AQAB", "e": "AQAB"}) is None
    assert from_jwk({"kty": "OKP", "crv": "Ed448", "x": X}) is None
