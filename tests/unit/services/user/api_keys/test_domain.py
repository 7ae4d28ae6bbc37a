"""What an API key is."""

import re
from datetime import UTC, datetime, timedelta

import pytest

from mesh.errors import Invalid, WrongState
from services.user.api_keys.domain import MAX_KEYS, ApiKey, check_quota, hash_of, new_key, new_secret

NOW = datetime(2027, 1, 15, 8, 0, tzinfo=UTC)


def made(expires_at: datetime | None = None) -> ApiKey:
    return new_key(
        "k-1",
        workspace_id="default",
        user_id="u-1",
        name="script",
        scopes=["user:read", "message:read"],
        created_by="u-1",
        expires_at=expires_at,
        now=NOW,
    )


def test_a_secret_is_46_characters_that_nobody_can_guess() -> None:
    """Its hash tells nothing of it."""
    secret = new_secret(lambda size: bytes(range(size)))
    assert re.fullmatch(r"ck_[A-Za-z0-9_-]{43}", secret)
    assert len(hash_of(secret)) == 32
    assert hash_of(secret) != hash_of(new_secret(bytes))


def test_a_key_keeps_its_scopes_in_order() -> None:
    """However they were given."""
    assert made().scopes == ["message:read", "user:read"]
    assert made(NOW + timedelta(microseconds=1)).expires_at


def test_a_key_ends_in_the_future() -> None:
    """One that has ended already is a mistake; the field is named."""
    with pytest.raises(Invalid) as caught:
        made(NOW)
    assert caught.value.violations[0].field == "expires_at"


def test_a_user_has_so_many_keys_at_most() -> None:
    """The last one fits."""
    check_quota(MAX_KEYS - 1)
    with pytest.raises(WrongState, match="QUOTA_REACHED"):
        check_quota(MAX_KEYS)
