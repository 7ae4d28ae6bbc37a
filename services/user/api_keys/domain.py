"""What an API key is: a secret of 256 bits that stands for a user, within scopes. Only its hash is kept."""

import hashlib
from base64 import urlsafe_b64encode
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from mesh.errors import Invalid, Violation, WrongState
from mesh.identity.principal import API_KEY_PREFIX

MAX_KEYS = 50
"""Good ones, of one user."""
USED_EVERY = timedelta(minutes=1)
"""A use is noted no more often."""
KEPT = timedelta(days=30)
"""How long a key is kept after it has ended."""


@dataclass(frozen=True, slots=True)
class ApiKey:
    """A key of `user_id`, made by `created_by`: the same person, or the owner of the bot."""

    id: str
    workspace_id: str
    user_id: str
    name: str
    scopes: Sequence[str]
    created_by: str
    created_at: datetime
    expires_at: datetime | None = None
    last_used_at: datetime | None = None


def new_key(
    key_id: str,
    *,
    workspace_id: str,
    user_id: str,
    name: str,
    scopes: Sequence[str],
    created_by: str,
    expires_at: datetime | None,
    now: datetime,
) -> ApiKey:
    """A key that is made now. Raises Invalid (INVALID_REQUEST) when it would have ended already."""
    if expires_at is not None and expires_at <= now:
        broken = Violation("expires_at", "timestamp.gt_now", "must lie in the future")
        raise Invalid("INVALID_REQUEST", f"expires_at: {broken.detail}", violations=[broken])
    return ApiKey(key_id, workspace_id, user_id, name, sorted(scopes), created_by, now, expires_at)


def new_secret(random: Callable[[int], bytes]) -> str:
    """The text to give out. `random` gives that many bytes that nobody can guess."""
    return API_KEY_PREFIX + urlsafe_b64encode(random(32)).rstrip(b"=").decode()


def hash_of(secret: str) -> bytes:
    return hashlib.sha256(secret.encode()).digest()


def check_quota(there: int) -> None:
    """Raises WrongState (QUOTA_REACHED)."""
    if there >= MAX_KEYS:
        raise WrongState("QUOTA_REACHED", f"There are {MAX_KEYS} keys already. Revoke one first.")
