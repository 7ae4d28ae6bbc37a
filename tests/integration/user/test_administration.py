"""AdministrationService over a real database."""

import asyncio
from collections.abc import AsyncIterator, Awaitable
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import Connection, select

from chat.event.v1 import user_events_pb2 as events
from chat.user.v1 import account_service_pb2 as accounts_pb
from chat.user.v1 import administration_service_pb2 as pb
from chat.user.v1.block_service_pb2 import BlockUserRequest
from chat.user.v1.credential_service_pb2 import VerifyEmailRequest
from chat.user.v1.session_service_pb2 import LogoutRequest
from chat.user.v1.user_pb2 import USER_ROLE_ADMIN, USER_ROLE_USER, User
from chat.user.v1.workspace_service_pb2 import CreateWorkspaceRequest
from mesh.errors import Forbidden, Invalid, NotFound, Unauthenticated, WrongState
from services.user.outbox_sql import SqlOutbox
from services.user.tables import api_keys, audit, identities, revocations
from tests.integration.user.test_credentials import forgot, refused, reset
from tests.integration.user.world import PASSWORD, World, calling_as

ANNA, BEA = "id-1", "id-2"
NOW = datetime(2027, 1, 15, tzinfo=UTC)


@pytest.fixture(autouse=True)
async def anna_is_admin(world: World) -> AsyncIterator[None]:
    await world.register("anna")
    await world.register("bea")
    await grant(world, "anna", USER_ROLE_ADMIN)
    with calling_as(ANNA, role="admin"):
        yield


async def grant(world: World, username: str, role: int, workspace_id: str = "") -> User:
    request = pb.GrantRoleRequest(username=username, role=role, workspace_id=workspace_id)  # type: ignore[arg-type]
    return (await world.administration.GrantRole(request, None)).user


async def suspend(world: World, user_id: str = BEA, reason: str = "") -> User:
    return (await world.administration.SuspendUser(pb.SuspendUserRequest(id=user_id, reason=reason), None)).user


async def reactivate(world: World, user_id: str = BEA) -> User:
    return (await world.administration.ReactivateUser(pb.ReactivateUserRequest(id=user_id), None)).user


async def set_role(world: World, user_id: str, role: int) -> User:
    return (await world.administration.SetRole(pb.SetRoleRequest(id=user_id, role=role), None)).user  # type: ignore[arg-type]


async def erase(world: World, user_id: str = BEA) -> None:
    await world.administration.EraseUser(pb.EraseUserRequest(id=user_id), None)


async def export(world: World, user_id: str = BEA) -> accounts_pb.AccountExport:
    return (await world.administration.ExportUser(pb.ExportUserRequest(id=user_id), None)).export


async def told(world: World) -> list[str]:
    return [row.type for row in await SqlOutbox(world.database).unpublished(100)]


async def revoked(world: World) -> set[str]:
    query = select(revocations.c.session_id)
    return set(await world.database.read(lambda connection: connection.execute(query).scalars().all()))


async def test_a_suspended_user_is_out_at_once(world: World) -> None:
    """All sessions end, no new one opens, and no link lets in; repeating it does nothing."""
    opened = await world.login("bea")
    await forgot(world, "bea@example.com")
    link = await world.last_link()
    assert not (await suspend(world, reason="spam")).is_active
    await suspend(world)
    assert await refused(world.refresh(opened.refresh_token)) == "REFRESH_TOKEN_INVALID"
    assert await refused(world.login("bea")) == "INVALID_CREDENTIALS"
    assert await refused(reset(world, link)) == "LINK_INVALID"
    assert await revoked(world) == {opened.session_id}
    assert (await told(world)).count("user.suspended") == 1
    noted = select(audit.c.subject_id, audit.c.actor_id, audit.c.detail).where(audit.c.action == "user.suspended")
    rows = await world.database.read(lambda connection: connection.execute(noted).all())
    assert [tuple(row) for row in rows] == [(BEA, ANNA, '{"reason":"spam"}')]


async def test_a_reactivated_user_logs_in_again(world: World) -> None:
    """With the same password, in a new session."""
    opened = await world.login("bea")
    await suspend(world)
    for _ in range(2):
        assert (await reactivate(world)).is_active
    assert await world.login("bea")
    assert await refused(world.refresh(opened.refresh_token)) == "REFRESH_TOKEN_INVALID"
    assert (await told(world)).count("user.reactivated") == 1


async def test_another_role_ends_all_sessions(world: World) -> None:
    """Their tokens carry the one before; who has the role already goes on."""
    opened = await world.login("bea")
    assert (await set_role(world, BEA, USER_ROLE_ADMIN)).role == USER_ROLE_ADMIN
    assert await refused(world.refresh(opened.refresh_token)) == "REFRESH_TOKEN_INVALID"
    again = await world.login("bea")
    assert world.principal(again.access_token).is_admin
    await set_role(world, BEA, USER_ROLE_ADMIN)
    assert await world.refresh(again.refresh_token)
    updates = [row for row in await SqlOutbox(world.database).unpublished(100) if row.type == "user.updated"]
    assert events.UserUpdated.FromString(updates[-1].data).changed == ["role"]


async def test_nobody_does_it_to_themselves(world: World) -> None:
    """An admin who is tired of it asks another one, or deletes the account."""
    for call in (suspend(world, ANNA), erase(world, ANNA)):
        with pytest.raises(Invalid, match="NOT_ONESELF"):
            await call


async def test_a_workspace_keeps_an_admin(world: World) -> None:
    """By whatever way the last one would go; suspended admins do not count."""
    with pytest.raises(WrongState, match="LAST_ADMIN"):
        await set_role(world, ANNA, USER_ROLE_USER)
    with pytest.raises(WrongState, match="LAST_ADMIN"):
        await grant(world, "anna", USER_ROLE_USER)
    with pytest.raises(WrongState, match="LAST_ADMIN"):
        await world.accounts.DeleteMe(accounts_pb.DeleteMeRequest(password=PASSWORD), None)
    await set_role(world, BEA, USER_ROLE_ADMIN)
    await suspend(world)
    with pytest.raises(WrongState, match="LAST_ADMIN"):
        await set_role(world, ANNA, USER_ROLE_USER)
    await reactivate(world)
    assert (await set_role(world, ANNA, USER_ROLE_USER)).role == USER_ROLE_USER


async def test_admins_who_put_each_other_out_leave_one(world: World) -> None:
    """Whoever comes second is no admin any more."""
    await set_role(world, BEA, USER_ROLE_ADMIN)

    async def put_out(by: str, whom: str) -> None:
        with calling_as(by, role="admin"):
            await suspend(world, whom)

    results = await asyncio.gather(put_out(ANNA, BEA), put_out(BEA, ANNA), return_exceptions=True)
    assert [result.reason for result in results if isinstance(result, Forbidden)] == ["PERMISSION_DENIED"]
    assert results.count(None) == 1


async def test_a_token_that_is_older_than_the_role_is_not_enough(world: World) -> None:
    """Until it ends it says admin; the database says what is."""
    with calling_as(BEA, role="admin"):
        calls: list[Awaitable[object]] = [
            suspend(world, ANNA),
            reactivate(world, ANNA),
            set_role(world, BEA, USER_ROLE_ADMIN),
            erase(world, ANNA),
            export(world, ANNA),
        ]
        for call in calls:
            with pytest.raises(Forbidden, match="PERMISSION_DENIED"):
                await call


async def test_users_of_other_workspaces_do_not_exist(world: World) -> None:
    """Whatever an admin tries."""
    await world.workspaces.CreateWorkspace(CreateWorkspaceRequest(id="acme"), None)
    stranger = await world.register("cora", workspace_id="acme")
    for call in (
        suspend(world, stranger.id),
        reactivate(world, stranger.id),
        set_role(world, stranger.id, USER_ROLE_ADMIN),
        erase(world, stranger.id),
        export(world, stranger.id),
        grant(world, "cora", USER_ROLE_ADMIN),
    ):
        with pytest.raises(NotFound, match="USER_NOT_FOUND"):
            await call
    assert (await grant(world, "CORA", USER_ROLE_ADMIN, "acme")).role == USER_ROLE_ADMIN
    with pytest.raises(NotFound, match="WORKSPACE_NOT_FOUND"):
        await grant(world, "cora", USER_ROLE_ADMIN, "nowhere")


async def test_who_was_erased_stays_so(world: World) -> None:
    """Erasing again does nothing, everything else is refused."""
    await erase(world)
    await erase(world)
    for call in (suspend(world), reactivate(world), set_role(world, BEA, USER_ROLE_ADMIN)):
        with pytest.raises(WrongState, match="USER_ERASED"):
            await call
    with pytest.raises(Unauthenticated, match="INVALID_CREDENTIALS"):
        await world.login("bea")
    assert (await told(world)).count("user.erased") == 1


def kept_beside(connection: Connection) -> None:
    """A key, and an account elsewhere."""
    theirs = {"workspace_id": "default", "user_id": BEA, "created_at": NOW}
    key = {"id": "key-1", "name": "script", "hash": bytes(32), "scopes": "user:read", "created_by": BEA}
    connection.execute(api_keys.insert().values(**key, **theirs))
    connection.execute(identities.insert().values(issuer="https://id.example.com", subject="b-1", **theirs))


async def test_an_export_holds_everything(world: World) -> None:
    """Sessions that have ended too, blocks, and all that was noted; the account as its owner sees it."""
    await world.credentials.VerifyEmail(VerifyEmailRequest(token=await world.last_link()), None)
    opened = []
    for _ in range(3):
        world.now += timedelta(minutes=1)
        opened.append((await world.login("bea")).session_id)
    await world.database.write(kept_beside)
    with calling_as(BEA, opened[0]):
        await world.sessions.Logout(LogoutRequest(), None)
        await world.accounts.UpdateMe(accounts_pb.UpdateMeRequest(bio="hello"), None)
        await world.accounts.SetStatus(accounts_pb.SetStatusRequest(text="away"), None)
        await world.blocks.BlockUser(BlockUserRequest(id=ANNA), None)
        own = (await world.accounts.ExportMe(accounts_pb.ExportMeRequest(), None)).export
        account = (await world.accounts.GetMe(accounts_pb.GetMeRequest(), None)).account
    assert own.account == account
    assert (own.account.email, own.account.bio, own.account.status.text) == ("bea@example.com", "hello", "away")
    assert [session.id for session in own.sessions] == opened
    assert [session.HasField("ended_at") for session in own.sessions] == [True, False, False]
    assert {session.device for session in own.sessions} == {"phone"}
    assert list(own.blocked_ids) == [ANNA]
    assert [(key.id, key.name, key.HasField("last_used_at")) for key in own.api_keys] == [("key-1", "script", False)]
    assert [(identity.issuer, identity.subject) for identity in own.identities] == [("https://id.example.com", "b-1")]
    assert [activity.action for activity in own.activities] == [
        "user.registered",
        "email.verified",
        *["session.opened"] * 3,
        "session.ended",
    ]
    by_admin = await export(world)
    assert [activity.action for activity in by_admin.activities][-1] == "user.exported"
    assert by_admin.account == own.account


async def test_what_admins_do_stands_in_the_log_that_they_read(world: World) -> None:
    """Who, to whom; and that it was read."""
    await suspend(world)
    await erase(world)
    page = await world.administration.ListAudit(pb.ListAuditRequest(user_id=BEA), None)
    assert [(item.action, item.actor_id) for item in page.items][:2] == [
        ("user.erased", ANNA),
        ("user.suspended", ANNA),
    ]
    assert (await world.noted())[-1] == "audit.read"
    verdict = await world.administration.VerifyAudit(pb.VerifyAuditRequest(), None)
    assert (verdict.broken_seq, verdict.entries) == (0, len(await world.noted()))
