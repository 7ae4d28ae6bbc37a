"""Codes of the second factor: TOTP as RFC 6238 has it, and recovery codes for when the authenticator is lost.

A code names its step of 30 seconds. The step that was used last is kept, and no code of it or of an earlier one is good
again: who looks over a shoulder is too late.
"""

import base64
import hashlib
import hmac
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from urllib.parse import quote

from cryptography.hazmat.primitives.hashes import SHA1
from cryptography.hazmat.primitives.twofactor.hotp import HOTP

STEP_S = 30
DIGITS = 6
TOLERANCE_STEPS = 1
"""Clocks of authenticators may be off by so many steps, either way."""
SECRET_BYTES = 20
RECOVERY_CODES = 10
ENROLLMENT = timedelta(minutes=10)

_ALPHABET = "23456789abcdefghjkmnpqrstvwxyz"
"""30 letters and digits that nobody mixes up."""
_GROUPS = 2
_GROUP = 5


@dataclass(frozen=True, slots=True)
class Factor:
    """A user's second factor. `secret` is as it is kept: sealed."""

    secret: bytes = field(repr=False)
    last_step: int
    recovery_codes_left: int


def matching_step(secret: bytes, code: str, now: datetime, last_step: int) -> int | None:
    """The step that `code` belongs to, when it is near `now` and later than `last_step`."""
    code = "".join(code.split())
    present = int(now.timestamp()) // STEP_S
    generator = HOTP(secret, DIGITS, SHA1())  # noqa: S303  (what authenticators speak)
    for step in range(present - TOLERANCE_STEPS, present + TOLERANCE_STEPS + 1):
        if step > last_step and hmac.compare_digest(generator.generate(step), code.encode()):
            return step
    return None


def base32(secret: bytes) -> str:
    return base64.b32encode(secret).decode().rstrip("=")


def uri(secret: bytes, username: str, issuer: str) -> str:
    """What authenticators read from a QR code."""
    label = quote(f"{issuer}:{username}", safe=":")
    return f"otpauth://totp/{label}?secret={base32(secret)}&issuer={quote(issuer, safe='')}"


def new_recovery_codes(choice: Callable[[str], str]) -> list[str]:
    """Ten codes of 49 bits, such as `k7m2p-x9qrd`. `choice` picks a letter that nobody can guess."""
    return [
        "-".join("".join(choice(_ALPHABET) for _ in range(_GROUP)) for _ in range(_GROUPS))
        for _ in range(RECOVERY_CODES)
    ]


def recovery_hash(user_id: str, code: str) -> bytes:
    """What is kept of a recovery code; capitals, blanks and dashes do not matter."""
    plain = "".join(letter for letter in code.lower() if letter.isalnum())
    return hashlib.sha256(f"{user_id}\0{plain}".encode()).digest()
