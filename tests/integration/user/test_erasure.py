"""What is left of a user who was erased: nothing that tells who it was."""

import asyncio
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import Connection, select

from chat.event.v1 import user_events_pb2 as events
from chat.user.v1 import account_service_pb2 as pb
from chat.user.v1 import block_service_pb2 as blocks_pb
from chat.user.v1 import credential_service_pb2 as credentials_pb
from chat.user.v1.session_service_pb2 import LoginRequest
from chat.user.v1.user_pb2 import Account
from mesh.call.context import RequestContext, bind, unbind
from services.user.outbox_sql import SqlOutbox
from services.user.tables import api_keys, identities, metadata, recovery_codes, users
from tests.integration.user.world import PASSWORD, World, calling_as

CANARIES = {
    "username": "canary-handle",
    "email": "canary-mail@example.com",
    "full_name": "Canary Fullname",
    "bio": "canary-bio",
    "avatar": "https://example.com/canary-avatar.png",
    "status": "canary-status",
    "device": "canary-device",
    "key": "canary-key-name",
    "subject": "canary-subject",
    "renamed": "canary-second-handle",
}


def everything(connection: Connection) -> str:
    """All rows of all tables as text."""
    rows = (row for table in metadata.sorted_tables for row in connection.execute(select(table)).all())
    return "\n".join(repr(tuple(row)) for row in rows)


def contents(folder: Path) -> dict[str, bytes]:
    return {file.name: file.read_bytes() for file in folder.iterdir() if file.is_file()}


@pytest.fixture
async def canary(world: World) -> Account:
    """A user whose traces are everywhere."""
    await world.register("watcher")
    account = await world.register(
        CANARIES["username"], email=CANARIES["email"], full_name=CANARIES["full_name"], password=PASSWORD
    )
    login = LoginRequest(username=CANARIES["username"], password=PASSWORD, device=CANARIES["device"])
    bound = bind(RequestContext(address="198.51.100.77"))
    await world.sessions.Login(login, None)
    unbind(bound)
    with calling_as(account.id):
        await world.accounts.UpdateMe(
            pb.UpdateMeRequest(bio=CANARIES["bio"], avatar=CANARIES["avatar"], username=CANARIES["renamed"]), None
        )
        await world.accounts.SetStatus(pb.SetStatusRequest(text=CANARIES["status"]), None)
        await world.blocks.BlockUser(blocks_pb.BlockUserRequest(id="id-1"), None)
    with calling_as("id-1"):
        await world.blocks.BlockUser(blocks_pb.BlockUserRequest(id=account.id), None)
    await world.credentials.ForgotPassword(credentials_pb.ForgotPasswordRequest(email=CANARIES["email"]), None)

    def more(connection: Connection) -> None:
        theirs = {"workspace_id": "default", "user_id": account.id}
        connection.execute(recovery_codes.insert().values(hash=bytes(32), **theirs))
        identity = {"issuer": "https://id.example.com", "subject": CANARIES["subject"], "created_at": world.now}
        connection.execute(identities.insert().values(**identity, **theirs))
        key = {"id": "key-1", "name": CANARIES["key"], "hash": bytes(32), "scopes": "", "created_by": account.id}
        connection.execute(api_keys.insert().values(**key, **theirs, created_at=world.now))
        sealed = users.update().where(users.c.id == account.id).values(totp_secret=b"canary-secret")
        connection.execute(sealed)

    await world.database.write(more)
    return account


async def delete(world: World, account: Account) -> None:
    with calling_as(account.id):
        await world.accounts.DeleteMe(pb.DeleteMeRequest(password=PASSWORD), None)


async def test_the_canaries_are_there_before(world: World, canary: Account) -> None:
    """Otherwise the tests below would prove nothing."""
    text = await world.database.read(everything)
    assert [name for name, canary in CANARIES.items() if canary not in text] == []


async def test_no_table_holds_a_trace(world: World, canary: Account) -> None:
    """Not the log of changes, which is the outbox too; only the audit log keeps the address of who called."""
    await delete(world, canary)
    text = await world.database.read(everything)
    assert [name for name, value in {**CANARIES, "secret": "canary"}.items() if value in text] == []
    assert text.count("198.51.100.77") == 1


async def test_no_file_holds_a_trace(world: World, canary: Account, tmp_path: Path) -> None:
    """Not even where a row has been: at once, while the database is open."""
    if world.database.engine.dialect.name != "sqlite":
        pytest.skip("a server has its files to itself")
    await delete(world, canary)
    files = await asyncio.to_thread(contents, tmp_path)
    assert [name for name in files if name.endswith(".db")]
    left = {name for name, content in files.items() for value in CANARIES.values() if value.encode() in content}
    assert left == set()


async def test_the_log_of_changes_stays_readable(world: World, canary: Account) -> None:
    """Every event is there, at its place, with nobody's profile."""
    await delete(world, canary)
    rows = [row for row in await SqlOutbox(world.database).unpublished(100) if row.key == canary.id]
    assert [row.event_id for row in rows] == [f"{canary.id}:{pos}" for pos in range(1, len(rows) + 1)]
    assert rows[-1].type == "user.erased"
    registered = events.UserRegistered.FromString(rows[0].data)
    assert (registered.pos, registered.user.full_name) == (1, "Deleted user")
    updated = events.UserUpdated.FromString(next(row.data for row in rows if row.type == "user.updated"))
    assert (list(updated.changed), updated.user.username[:8]) == (["username", "avatar", "bio"], "deleted-")


async def test_name_and_address_are_free_again(world: World, canary: Account) -> None:
    """For somebody else, who is not the same."""
    await delete(world, canary)
    again = await world.register(CANARIES["renamed"], email=CANARIES["email"])
    assert again.id != canary.id
    assert (await world.login(CANARIES["email"])).user.id == again.id


async def test_nobody_logs_in_and_nothing_goes_on(world: World, canary: Account) -> None:
    """All sessions and keys are revoked; blocks of the user and by others are gone."""
    await delete(world, canary)
    with calling_as("id-1"):
        assert not (await world.blocks.ListBlocks(blocks_pb.ListBlocksRequest(), None)).items
        contact = blocks_pb.CheckContactRequest(ids=[canary.id])
        assert not (await world.blocks.CheckContact(contact, None)).refused_ids
        shown = (await world.accounts.GetUser(pb.GetUserRequest(id=canary.id), None)).user
        listed = await world.accounts.ListUsers(pb.ListUsersRequest(), None)
    assert shown.username == f"deleted-{canary.id.replace('-', '')[-24:]}"
    assert not shown.is_active
    assert [user.username for user in listed.items] == ["watcher"]
    world.now += timedelta(days=1)
    assert await world.mailed() == [mail for mail in await world.mailed() if mail[0] == "watcher@example.com"]


async def test_whoever_is_erased_has_a_name_of_its_own(world: World) -> None:
    """Many in one workspace."""
    for name in ("anna", "bea", "cora"):
        await delete(world, await world.register(name))
    erased = select(users.c.username).where(users.c.erased_at.is_not(None))
    names = await world.database.read(lambda connection: connection.execute(erased).scalars().all())
    assert len(set(names)) == 3
