"""Seals what must be kept but not be read by who only reads the database: AES-256-GCM, with the purpose bound in."""

import os
from hashlib import sha256
from pathlib import Path

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from mesh.secrets import load_or_create
from mesh.settings import Settings

_NONCE_BYTES = 12


class Sealer:
    """Seals with one key for one purpose; what was sealed for another does not open."""

    def __init__(self, secret: bytes, purpose: str) -> None:
        self._cipher = AESGCM(derive(secret, purpose))
        self._purpose = purpose.encode()

    def seal(self, data: bytes, about: str = "") -> bytes:
        """`about` is bound in: it must be the same when it is opened, such as the id of the row."""
        nonce = os.urandom(_NONCE_BYTES)
        return nonce + self._cipher.encrypt(nonce, data, self._purpose + b"\0" + about.encode())

    def open(self, sealed: bytes, about: str = "") -> bytes:
        """Raises ValueError for what was not sealed so."""
        nonce, data = sealed[:_NONCE_BYTES], sealed[_NONCE_BYTES:]
        try:
            return self._cipher.decrypt(nonce, data, self._purpose + b"\0" + about.encode())
        except InvalidTag:
            raise ValueError("what is sealed does not open: it was changed, or sealed with another secret") from None


def derive(secret: bytes, purpose: str) -> bytes:
    """A key of 32 bytes for one purpose, from the secret of the installation."""
    return HKDF(SHA256(), 32, salt=None, info=purpose.encode()).derive(secret)


def installation_secret(settings: Settings) -> bytes:
    """What all processes of the installation share: `CHAT_SECRET`, or a file made on first run with mode 0600."""
    if settings.secret:
        return sha256(settings.secret.encode()).digest()
    return load_or_create(_file(settings), lambda: os.urandom(32))


def is_installed(settings: Settings) -> bool:
    """Whether there is a secret already: who only asks must not make one."""
    return bool(settings.secret) or _file(settings).exists()


def _file(settings: Settings) -> Path:
    return settings.data / "keys" / "installation"
