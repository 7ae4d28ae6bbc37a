"""Accounts and sessions to put into stores."""

import secrets
from datetime import UTC, datetime

from services.user.accounts.domain import Account, new_account
from services.user.sessions.domain import RefreshToken, Session, new_session

NOW = datetime(2027, 1, 15, 8, 0, 0, 123456, tzinfo=UTC)


def account(name: str = "anna", *, account_id: str = "", email: str = "") -> Account:
    return new_account(
        account_id or f"id-of-{name}",
        workspace_id="default",
        username=name,
        email=email or f"{name}@example.com",
        full_name="",
        now=NOW,
    )


def session(session_id: str = "s-1", user_id: str = "id-of-anna") -> tuple[Session, RefreshToken]:
    return new_session(
        session_id,
        workspace_id="default",
        user_id=user_id,
        device="phone",
        address="192.0.2.1",
        random=secrets.token_bytes,
        now=NOW,
    )
