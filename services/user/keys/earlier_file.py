"""The key file of earlier versions: taken over once, so that tokens stay good, and removed when it is kept."""

from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import load_pem_private_key


def first_key(path: Path) -> Ed25519PrivateKey:
    """The key in the file, or a new one when there is no file. Raises ValueError when it holds no Ed25519 key."""
    try:
        pem = path.read_bytes()
    except FileNotFoundError:
        return Ed25519PrivateKey.generate()
    private = load_pem_private_key(pem, password=None)
    if not isinstance(private, Ed25519PrivateKey):
        raise ValueError(f"{path} holds no Ed25519 key")
    return private
