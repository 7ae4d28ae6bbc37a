"""Everything that changes a user, at the same time: nothing waits for ever, and what is left fits together."""

import asyncio
from collections.abc import Awaitable, Callable

from sqlalchemy import func, select

from chat.user.v1 import account_service_pb2 as accounts
from chat.user.v1 import administration_service_pb2 as administration
from chat.user.v1 import block_service_pb2 as blocks
from chat.user.v1 import credential_service_pb2 as credentials
from chat.user.v1.user_pb2 import USER_ROLE_ADMIN, USER_ROLE_USER
from mesh.audit.verify import verify
from mesh.errors import Error
from services.user.tables import user_changes, users
from tests.integration.user.world import PASSWORD, World, calling_as

ROUNDS = 3
FINE = {"RATE_LIMITED", "LOGIN_LOCKED", "INVALID_CREDENTIALS", "PASSWORD_WRONG", "LINK_INVALID", "LAST_ADMIN"}
FINE |= {"PERMISSION_DENIED", "OVERLOADED", "ETAG_MISMATCH", "USER_ERASED", "USERNAME_TAKEN"}
"""How a call may end that came second."""


async def as_user(user_id: str, call: Callable[[], Awaitable[object]], *, role: str = "user") -> object:
    with calling_as(user_id, "s-1", role=role):
        return await call()


def calls(world: World, anna: str, bea: str, admin: str, token: str, number: int) -> list[Awaitable[object]]:
    """One of each, of two users and an admin."""
    people, trust, boss = world.accounts, world.credentials, world.administration
    bio = accounts.UpdateMeRequest(bio=f"bio {number}", username=f"anna{number}")
    password = credentials.ChangePasswordRequest(password=PASSWORD, new_password="purple monday lamp")
    reset = credentials.ResetPasswordRequest(token=token, new_password="purple monday lamp")
    role = (USER_ROLE_ADMIN, USER_ROLE_USER)[number % 2]
    return [
        as_user(anna, lambda: people.UpdateMe(bio, None)),
        as_user(anna, lambda: people.SetStatus(accounts.SetStatusRequest(text="x"), None)),
        as_user(anna, lambda: people.ExportMe(accounts.ExportMeRequest(), None)),
        as_user(anna, lambda: trust.ChangePassword(password, None)),
        as_user(anna, lambda: world.blocks.BlockUser(blocks.BlockUserRequest(id=bea), None)),
        as_user(bea, lambda: world.blocks.BlockUser(blocks.BlockUserRequest(id=anna), None)),
        as_user(anna, lambda: world.blocks.UnblockUser(blocks.UnblockUserRequest(id=bea), None)),
        world.login("anna@example.com"),
        world.login("anna@example.com", "wrong horse"),
        trust.ForgotPassword(credentials.ForgotPasswordRequest(email="anna@example.com"), None),
        trust.ResetPassword(reset, None),
        as_user(admin, lambda: boss.SetRole(administration.SetRoleRequest(id=anna, role=role), None), role="admin"),
        as_user(admin, lambda: boss.SuspendUser(administration.SuspendUserRequest(id=bea), None), role="admin"),
        as_user(admin, lambda: boss.ReactivateUser(administration.ReactivateUserRequest(id=bea), None), role="admin"),
    ]


async def test_all_calls_end_as_they_may(world: World) -> None:
    """Three rounds of each call at once, and then an erasure in between; the logs have no gap and no break."""
    anna, bea, admin = [(await world.register(name)).id for name in ("anna", "bea", "admin")]
    grant = administration.GrantRoleRequest(username="admin", role=USER_ROLE_ADMIN)
    await world.administration.GrantRole(grant, None)
    await world.credentials.ForgotPassword(credentials.ForgotPasswordRequest(email="anna@example.com"), None)
    token = await world.last_link()
    waiting = [call for number in range(ROUNDS) for call in calls(world, anna, bea, admin, token, number)]
    erasing = administration.EraseUserRequest(id=bea)
    waiting.append(as_user(admin, lambda: world.administration.EraseUser(erasing, None), role="admin"))
    async with asyncio.timeout(50):
        results = await asyncio.gather(*waiting, return_exceptions=True)
    failures = [result for result in results if isinstance(result, BaseException)]
    assert [failure for failure in failures if not isinstance(failure, Error) or failure.reason not in FINE] == []
    log = user_changes.c
    places = select(log.user_id, func.count(), func.max(log.pos)).group_by(log.user_id)
    for _, count, last in await world.database.read(lambda connection: connection.execute(places).all()):
        assert count == last
    assert (await world.database.read(lambda connection: verify(connection, world.trail))).broken_seq == 0
    name = select(users.c.full_name).where(users.c.id == bea)
    assert await world.database.read(lambda connection: connection.execute(name).scalar()) == "Deleted user"
