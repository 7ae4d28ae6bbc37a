"""What the contract shows of an account, and to whom."""

from dataclasses import replace
from datetime import UTC, datetime

from chat.user.v1 import user_pb2 as pb
from services.user.accounts.domain import Account, Role
from services.user.accounts.wire import to_account, to_user

ACCOUNT = Account(
    id="u-1",
    workspace_id="default",
    username="anna",
    email="anna@secret.example",
    full_name="Anna Berg",
    created_at=datetime(2027, 1, 15, 8, 0, 0, 123456, tzinfo=UTC),
    updated_at=datetime(2027, 1, 16, tzinfo=UTC),
    last_login=datetime(2027, 1, 17, tzinfo=UTC),
    avatar="https://example.com/a.png",
    bio="hello",
    role=Role.ADMIN,
    is_verified=True,
    status_text="away",
    has_second_factor=True,
)


def test_the_owner_sees_every_field() -> None:
    """Each field of the contract is filled from its namesake."""
    shown = to_account(ACCOUNT)
    assert {field.name for field, _ in shown.ListFields()} == {field.name for field in pb.Account.DESCRIPTOR.fields}
    for name in ("id", "username", "email", "full_name", "avatar", "bio", "is_active", "is_verified"):
        assert getattr(shown, name) == getattr(ACCOUNT, name)
    for name in ("created_at", "updated_at", "last_login"):
        assert getattr(shown, name).ToDatetime(UTC) == getattr(ACCOUNT, name)
    assert shown.role == pb.USER_ROLE_ADMIN


def test_nobody_else_sees_the_address_or_the_log_ins() -> None:
    """The public profile is filled, and holds nothing private."""
    shown = to_user(ACCOUNT)
    assert {field.name for field, _ in shown.ListFields()} == {field.name for field in pb.User.DESCRIPTOR.fields}
    assert b"secret.example" not in shown.SerializeToString()


def test_who_never_logged_in_has_no_time_of_it() -> None:
    """Unset, not the epoch."""
    assert not to_account(replace(ACCOUNT, last_login=None)).HasField("last_login")
