"""What a block is, and who can be blocked."""

from dataclasses import dataclass
from datetime import datetime

from mesh.errors import Invalid
from services.user.accounts.domain import Account


@dataclass(frozen=True, slots=True)
class Block:
    """Somebody whom a user has blocked, and since when."""

    account: Account
    created_at: datetime


def refuse_oneself(user_id: str, other_id: str) -> None:
    """Raises Invalid (NOT_ONESELF)."""
    if user_id == other_id:
        raise Invalid("NOT_ONESELF", "Nobody can do this to themselves.")
