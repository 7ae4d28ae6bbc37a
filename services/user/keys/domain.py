"""Signing keys, one after the other: which of them signs, and which the world may know the public halves of.

    made ──LEAD──► signs ──────► its successor signs ──RETIREMENT──► gone
    └───────────────────── published ──────────────────────────────┘

Who verifies asks for keys that it does not know at most every 30 seconds, and an instance of the user service may know
of a new key five seconds after it was made. A key that is published for longer than both together before it signs is
known to everybody by then, or is asked for at once.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from mesh.identity.jwk import to_jwk
from mesh.identity.tokens import LIFETIME_S

LEAD = timedelta(seconds=60)
RETIREMENT = timedelta(seconds=LIFETIME_S + 60)
"""Until the last token that a key has signed is over, and a minute for clocks that differ."""


@dataclass(frozen=True, slots=True)
class SigningKey:
    """An Ed25519 key with its public half as a JWK. `gone_at` is known once it has a successor."""

    private: Ed25519PrivateKey = field(repr=False)
    jwk: dict[str, str]
    created_at: datetime
    signs_from: datetime
    gone_at: datetime | None = None

    @classmethod
    def of(cls, private: Ed25519PrivateKey, now: datetime, lead: timedelta = timedelta()) -> "SigningKey":
        """A key that is made now and signs after `lead`."""
        return cls(private, to_jwk(private.public_key()), now, now + lead)

    @property
    def kid(self) -> str:
        return self.jwk["kid"]


@dataclass(frozen=True, slots=True)
class KeySet:
    """The keys that are kept, in the order in which they sign. There is at least one."""

    keys: Sequence[SigningKey]

    def signer(self, now: datetime) -> SigningKey:
        """The key that signs at `now`."""
        return next((key for key in reversed(self.keys) if key.signs_from <= now), self.keys[0])

    def published(self, now: datetime) -> list[SigningKey]:
        """The keys that tokens in use may be signed with, or will be soon; the one that signs first."""
        kept = [key for key in self.keys if key.gone_at is None or key.gone_at > now]
        return sorted(kept, key=lambda key: key is not self.signer(now))

    def pending(self, now: datetime) -> SigningKey | None:
        """The key that is to sign soon, if a rotation is under way."""
        last = self.keys[-1]
        return last if last.signs_from > now and len(self.keys) > 1 else None
