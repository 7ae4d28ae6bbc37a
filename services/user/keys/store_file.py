"""Signing keys in a file that only its owner can read."""

import asyncio
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, load_pem_private_key

from mesh.secrets import load_or_create
from services.user.keys.domain import KeySet, SigningKey


class FileKeyStore:
    """One key, as PEM (PKCS #8)."""

    def __init__(self, path: Path) -> None:
        self._path = path

    async def load(self) -> KeySet:
        """Raises ValueError when the file holds no Ed25519 key."""
        private = load_pem_private_key(await asyncio.to_thread(load_or_create, self._path, _make), password=None)
        if not isinstance(private, Ed25519PrivateKey):
            raise ValueError(f"{self._path} holds no Ed25519 key")
        return KeySet((SigningKey.of(private),))


def _make() -> bytes:
    return Ed25519PrivateKey.generate().private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
