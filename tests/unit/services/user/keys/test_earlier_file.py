"""The key file of earlier versions."""

from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from services.user.keys.earlier_file import first_key


def pem(key: Ed25519PrivateKey | X25519PrivateKey) -> bytes:
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())


def test_the_key_in_the_file_goes_on(tmp_path: Path) -> None:
    """Tokens that it signed stay good."""
    key, path = Ed25519PrivateKey.generate(), tmp_path / "access-token.pem"
    path.write_bytes(pem(key))
    assert first_key(path).public_key() == key.public_key()


def test_without_a_file_the_key_is_new(tmp_path: Path) -> None:
    """Another one each time."""
    assert first_key(tmp_path / "none").public_key() != first_key(tmp_path / "none").public_key()


def test_refuses_a_key_of_another_kind(tmp_path: Path) -> None:
    """Rather than start with a key that cannot sign."""
    path = tmp_path / "access-token.pem"
    path.write_bytes(pem(X25519PrivateKey.generate()))
    with pytest.raises(ValueError, match="no Ed25519 key"):
        first_key(path)
