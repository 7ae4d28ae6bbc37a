"""What the contract shows of an account, and to whom."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from importlib.resources import files

from google.protobuf.descriptor import Descriptor, FieldDescriptor
from google.protobuf.descriptor_pb2 import FileDescriptorSet
from google.protobuf.descriptor_pool import DescriptorPool

from chat.user.v1 import user_pb2 as pb
from services.user.accounts.domain import Account, Role
from services.user.accounts.wire import to_account, to_role, to_user

NOW = datetime(2027, 1, 18, tzinfo=UTC)
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
    shown = to_account(ACCOUNT, NOW)
    assert {field.name for field, _ in shown.ListFields()} == {field.name for field in pb.Account.DESCRIPTOR.fields}
    for name in ("id", "username", "email", "full_name", "avatar", "bio", "is_active", "is_verified"):
        assert getattr(shown, name) == getattr(ACCOUNT, name)
    for name in ("created_at", "updated_at", "last_login"):
        assert getattr(shown, name).ToDatetime(UTC) == getattr(ACCOUNT, name)
    assert shown.role == pb.USER_ROLE_ADMIN


def test_nobody_else_sees_the_address_or_the_log_ins() -> None:
    """The public profile is filled, and holds nothing private."""
    shown = to_user(ACCOUNT, NOW)
    assert {field.name for field, _ in shown.ListFields()} == {field.name for field in pb.User.DESCRIPTOR.fields}
    assert b"secret.example" not in shown.SerializeToString()


def test_who_never_logged_in_has_no_time_of_it() -> None:
    """Unset, not the epoch."""
    assert not to_account(replace(ACCOUNT, last_login=None), NOW).HasField("last_login")


def test_a_status_is_shown_until_it_ends() -> None:
    """To everybody; one of an emoji alone is one."""
    ending = replace(ACCOUNT, status_text="", status_emoji="🍜", status_expires_at=NOW)
    before = NOW - timedelta(microseconds=1)
    assert to_user(ending, before).status.emoji == "🍜"
    assert to_user(ending, before).status.expires_at.ToDatetime(UTC) == NOW
    assert not to_user(ending, NOW).HasField("status")
    assert not to_account(ending, NOW).HasField("status")
    assert not to_user(replace(ACCOUNT, status_text=""), NOW).HasField("status")


def test_each_role_is_read_as_it_is_shown() -> None:
    """There and back."""
    for role in Role:
        assert to_role(to_user(replace(ACCOUNT, role=role), NOW).role) is role


def contracts() -> Iterator[Descriptor]:
    """Every message of our contracts."""
    pool, image = (
        DescriptorPool(),
        FileDescriptorSet.FromString(files("chat").joinpath("descriptor.binpb").read_bytes()),
    )
    for file in image.file:
        pool.AddSerializedFile(file.SerializeToString())
    for file in image.file:
        if file.package.startswith("chat."):
            yield from pool.FindFileByName(file.name).message_types_by_name.values()


def holds(message: Descriptor, wanted: Callable[[FieldDescriptor], bool], seen: frozenset[str] = frozenset()) -> bool:
    """Whether a message has such a field, however deep."""
    within = (field.message_type for field in message.fields if field.message_type is not None)
    return any(wanted(field) for field in message.fields) or any(
        holds(inner, wanted, seen | {message.full_name}) for inner in within if inner.full_name not in seen
    )


def test_nobody_but_the_owner_is_answered_a_mail_address() -> None:
    """Of all answers and events only these hold one: the caller's own account, and what is exported."""

    def is_address(field: FieldDescriptor) -> bool:
        return "mail" in field.name

    asked = {message.name for message in contracts() if message.name.endswith("Request") and holds(message, is_address)}
    holding = {message.name for message in contracts() if holds(message, is_address)} - asked
    assert "RegisterRequest" in asked
    assert holding - {"Account", "AccountExport"} == {
        "RegisterResponse",
        "GetMeResponse",
        "UpdateMeResponse",
        "SetStatusResponse",
        "ExportMeResponse",
        "ExportUserResponse",
        "LoginResponse",
        "RedeemHandoverResponse",
    }
