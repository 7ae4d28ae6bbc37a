"""Signing keys, and the set of them that the world may know the public halves of."""

from dataclasses import dataclass, field

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from mesh.identity.jwk import to_jwk


@dataclass(frozen=True, slots=True)
class SigningKey:
    """An Ed25519 key with its public half as a JWK."""

    private: Ed25519PrivateKey = field(repr=False)
    jwk: dict[str, str]

    @classmethod
    def of(cls, private: Ed25519PrivateKey) -> "SigningKey":
        return cls(private, to_jwk(private.public_key()))

    @property
    def kid(self) -> str:
        return self.jwk["kid"]


@dataclass(frozen=True, slots=True)
class KeySet:
    """The keys that tokens in use may be signed with. The first one signs."""

    keys: tuple[SigningKey, ...]

    @property
    def current(self) -> SigningKey:
        return self.keys[0]
