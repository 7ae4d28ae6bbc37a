"""Everything that the user service keeps about a user, for the one whom it is about."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from services.user.accounts.domain import Account

MAX_SESSIONS = 5_000
MAX_ACTIVITIES = 15_000
"""The newest so many: an answer has to fit into one message of 4 MiB."""


@dataclass(frozen=True, slots=True)
class ExportedSession:
    id: str
    device: str
    address: str
    created_at: datetime
    refreshed_at: datetime
    ended_at: datetime | None


@dataclass(frozen=True, slots=True)
class ExportedActivity:
    at: datetime
    action: str
    result: str
    address: str


@dataclass(frozen=True, slots=True)
class ExportedApiKey:
    id: str
    name: str
    created_at: datetime
    last_used_at: datetime | None
    revoked_at: datetime | None


@dataclass(frozen=True, slots=True)
class ExportedIdentity:
    issuer: str
    subject: str
    created_at: datetime


@dataclass(frozen=True, slots=True)
class Export:
    """All lists stand oldest first."""

    account: Account
    sessions: Sequence[ExportedSession]
    blocked_ids: Sequence[str]
    activities: Sequence[ExportedActivity]
    api_keys: Sequence[ExportedApiKey]
    identities: Sequence[ExportedIdentity]
    exported_at: datetime
