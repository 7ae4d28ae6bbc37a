"""What every KeyStore does."""

import stat
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from services.user.keys.store import KeyStore
from services.user.keys.store_file import FileKeyStore


def store(path: Path) -> KeyStore:
    return FileKeyStore(path)


async def test_makes_a_key_once(tmp_path: Path) -> None:
    """The same key at each start; another one elsewhere."""
    path = tmp_path / "keys" / "access-token.pem"
    first, later = await store(path).load(), await store(path).load()
    elsewhere = await store(tmp_path / "other.pem").load()
    assert first.current.kid == later.current.kid != elsewhere.current.kid


async def test_only_the_owner_can_read_the_file(tmp_path: Path) -> None:
    """PEM with mode 0600, in a folder of its own with mode 0700."""
    path = tmp_path / "keys" / "access-token.pem"
    await store(path).load()
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
    assert path.read_bytes().startswith(b"-----BEGIN PRIVATE KEY-----")


async def test_refuses_a_key_of_another_kind(tmp_path: Path) -> None:
    """Rather than start with a key that cannot sign."""
    path = tmp_path / "other.pem"
    path.write_bytes(X25519PrivateKey.generate().private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    with pytest.raises(ValueError, match="no Ed25519 key"):
        await store(path).load()
