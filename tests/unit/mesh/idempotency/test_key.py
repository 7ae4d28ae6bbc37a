"""What an idempotency key is kept as."""

import pytest

from chat.user.v1.account_service_pb2 import RegisterRequest
from mesh.idempotency.key import CallKey
from mesh.identity.principal import Principal

SECRET = b"the secret of the installation"
METHOD = "/chat.user.v1.AccountService/Register"
ANNA = Principal("anna", "s-1", "user", 0)
REQUEST = RegisterRequest(username="anna", password="correct horse")


def key(text: str = "k-1", method: str = METHOD, principal: Principal | None = ANNA, secret: bytes = SECRET) -> CallKey:
    return CallKey(secret, text, method=method, principal=principal)


def test_the_same_call_has_the_same_key() -> None:
    """In every process, and in another session."""
    again = key(principal=Principal("anna", "s-2", "admin", 9))
    assert (again.hash, again.fingerprint(REQUEST)) == (key().hash, key().fingerprint(REQUEST))
    assert again.open(key().seal(b"answer")) == b"answer"


@pytest.mark.parametrize(
    "other",
    [
        key("k-2"),
        key(method="/chat.user.v1.CredentialService/ChangeEmail"),
        key(principal=None),
        key(principal=Principal("bert", "s-1", "user", 0)),
        key(principal=Principal("anna", "s-1", "user", 0, "acme")),
        key(secret=b"another"),
    ],
)
def test_another_call_has_nothing_in_common(other: CallKey) -> None:
    """Neither its place nor the fingerprint of the same request, which might be guessed; nor does its answer open."""
    assert other.hash != key().hash
    assert other.fingerprint(REQUEST) != key().fingerprint(REQUEST)
    with pytest.raises(ValueError, match="does not open"):
        other.open(key().seal(b"answer"))


def test_another_request_has_another_fingerprint() -> None:
    """Whatever differs."""
    assert key().fingerprint(REQUEST) != key().fingerprint(RegisterRequest(username="anna", password="Correct horse"))
