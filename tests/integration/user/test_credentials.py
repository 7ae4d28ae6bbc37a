"""CredentialService over a real database: links in mails, and what they are good for."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import timedelta

import pytest
from sqlalchemy import select, update

from chat.event.v1 import user_events_pb2 as events
from chat.user.v1 import account_service_pb2 as accounts_pb
from chat.user.v1 import credential_service_pb2 as pb
from chat.user.v1.user_pb2 import Account
from mesh.errors import Conflict, Error, Forbidden, Invalid, Unauthenticated, WrongState
from services.user.outbox_sql import SqlOutbox
from services.user.tables import links, mails, users
from tests.integration.user.world import PASSWORD, World, calling_as

NEW_PASSWORD = "purple monday lamp"


async def me(world: World, user_id: str) -> Account:
    with calling_as(user_id):
        return (await world.accounts.GetMe(accounts_pb.GetMeRequest(), None)).account


async def verify(world: World, token: str) -> None:
    await world.credentials.VerifyEmail(pb.VerifyEmailRequest(token=token), None)


async def change_email(world: World, user_id: str, email: str, password: str = PASSWORD) -> None:
    with calling_as(user_id):
        await world.credentials.ChangeEmail(pb.ChangeEmailRequest(email=email, password=password), None)


async def forgot(world: World, email: str = "anna@example.com", **fields: str) -> None:
    await world.credentials.ForgotPassword(pb.ForgotPasswordRequest(email=email, **fields), None)


async def reset(world: World, token: str, password: str = NEW_PASSWORD) -> None:
    await world.credentials.ResetPassword(pb.ResetPasswordRequest(token=token, new_password=password), None)


async def change_password(world: World, user_id: str, session_id: str, old: str = PASSWORD, new: str = "") -> None:
    with calling_as(user_id, session_id):
        request = pb.ChangePasswordRequest(password=old, new_password=new or NEW_PASSWORD)
        await world.credentials.ChangePassword(request, None)


async def suspend(world: World, username: str) -> None:
    change = update(users).where(users.c.username == username).values(is_active=False)
    await world.database.write(lambda connection: connection.execute(change))


async def refused(call: Awaitable[object]) -> str:
    with pytest.raises(Error) as refusal:
        await call
    return refusal.value.reason


# Proving the address.


async def test_a_link_proves_the_address_once(world: World) -> None:
    """The account shows it, and everybody is told."""
    anna = await world.register()
    token = await world.last_link()
    await verify(world, token)
    proven = await me(world, anna.id)
    assert proven.is_verified
    assert proven.etag != anna.etag
    assert await refused(verify(world, token)) == "LINK_INVALID"
    told = [row for row in await SqlOutbox(world.database).unpublished(10) if row.type == "user.verified"]
    assert [events.UserVerified.FromString(row.data) for row in told] == [events.UserVerified(pos=2, user_id=anna.id)]
    assert await world.noted() == ["user.registered", "email.verified"]


async def test_of_many_who_use_a_link_one_does(world: World) -> None:
    """Twenty at the same time."""
    await world.register()
    token = await world.last_link()
    results = await asyncio.gather(*(verify(world, token) for _ in range(20)), return_exceptions=True)
    assert results.count(None) == 1
    assert {result.reason for result in results if isinstance(result, Invalid)} == {"LINK_INVALID"}


@pytest.mark.parametrize("token", ["", "x", "A" * 43, "ß" * 200, "\0"])
async def test_a_link_that_was_made_up_is_invalid(world: World, token: str) -> None:
    """Whatever it looks like, and whatever it is for."""
    await world.register()
    for use in (
        verify(world, token),
        reset(world, token),
        world.credentials.Unlock(pb.UnlockRequest(token=token), None),
    ):
        assert await refused(use) == "LINK_INVALID"


async def test_a_verification_ends_after_a_day(world: World) -> None:
    """To the second."""
    await world.register()
    token = await world.last_link()
    world.now += timedelta(hours=24)
    assert await refused(verify(world, token)) == "LINK_INVALID"
    world.now -= timedelta(seconds=1)
    await verify(world, token)


async def test_asking_again_voids_the_link_before(world: World) -> None:
    """The last mail counts; once the address is proven there is nothing to ask for."""
    anna = await world.register()
    first = await world.last_link()
    with calling_as(anna.id):
        await world.credentials.ResendVerification(pb.ResendVerificationRequest(), None)
    second = await world.last_link()
    assert first != second
    assert await refused(verify(world, first)) == "LINK_INVALID"
    await verify(world, second)
    with calling_as(anna.id), pytest.raises(WrongState, match="ALREADY_VERIFIED"):
        await world.credentials.ResendVerification(pb.ResendVerificationRequest(), None)


async def test_a_link_of_one_purpose_serves_no_other(world: World) -> None:
    """A verification sets no password, and the other way round."""
    await world.register()
    verification = await world.last_link()
    await forgot(world)
    resetting = await world.last_link()
    assert await refused(reset(world, verification)) == "LINK_INVALID"
    assert await refused(verify(world, resetting)) == "LINK_INVALID"
    await reset(world, resetting)
    await verify(world, verification)


async def test_no_token_is_kept(world: World) -> None:
    """Neither in the links nor, readable, in the mails."""
    await world.register()
    await forgot(world)
    tokens = [token.encode() for _, _, token in await world.mailed()]

    def everything() -> Callable[..., bytes]:
        return lambda connection: b"".join(
            repr(tuple(row)).encode() for table in (links, mails) for row in connection.execute(select(table)).all()
        )

    kept = await world.database.read(everything())
    assert len(tokens) == 2
    assert not any(token in kept for token in tokens)


# Changing the address.


async def test_another_address_counts_once_it_is_proven(world: World) -> None:
    """The one before is told of it, and its links are void."""
    anna = await world.register()
    await forgot(world)
    old_reset = await world.last_link()
    await change_email(world, anna.id, "New@example.com")
    assert (await me(world, anna.id)).email == "anna@example.com"
    [*_, (to, _, token)] = await world.mailed()
    assert to == "New@example.com"
    await verify(world, token)
    changed = await me(world, anna.id)
    assert (changed.email, changed.is_verified) == ("New@example.com", True)
    [*_, (notified, subject, link)] = await world.mailed()
    assert (notified, subject, link) == ("anna@example.com", "The mail address of your account was changed", "")
    assert await world.login("new@example.com")
    with pytest.raises(Unauthenticated):
        await world.login("anna@example.com")
    assert await refused(reset(world, old_reset)) == "LINK_INVALID"
    assert (await world.noted())[-3:-2] == ["email.changed"]


async def test_a_change_of_address_takes_the_password(world: World) -> None:
    """Without it no mail is sent."""
    anna = await world.register()
    before = await world.mailed()
    assert await refused(change_email(world, anna.id, "new@example.com", "wrong")) == "PASSWORD_WRONG"
    assert await world.mailed() == before


async def test_the_answer_does_not_tell_whether_an_address_is_taken(world: World) -> None:
    """The same nothing, but no mail goes there."""
    anna, _ = await world.register("anna"), await world.register("bea")
    before = await world.mailed()
    await change_email(world, anna.id, "BEA@example.com")
    assert await world.mailed() == before


async def test_who_proves_an_address_that_is_taken_by_now_is_told(world: World) -> None:
    """The address stays as it is."""
    anna = await world.register()
    await change_email(world, anna.id, "new@example.com")
    token = await world.last_link()
    await world.register("bea", email="new@example.com")
    with pytest.raises(Conflict, match="EMAIL_TAKEN"):
        await verify(world, token)
    assert (await me(world, anna.id)).email == "anna@example.com"


async def test_a_changed_address_voids_what_proved_the_one_before(world: World) -> None:
    """The mail of the registration is of no use any more."""
    anna = await world.register()
    first = await world.last_link()
    await change_email(world, anna.id, "new@example.com")
    await verify(world, await world.last_link())
    assert await refused(verify(world, first)) == "LINK_INVALID"


# Changing the password.


async def test_a_new_password_ends_all_other_sessions(world: World) -> None:
    """The session that asks goes on; the owner gets a mail; links that were sent before are void."""
    anna = await world.register()
    here, other = await world.login(), await world.login()
    await forgot(world)
    old_reset = await world.last_link()
    await change_password(world, anna.id, here.session_id)
    assert await world.refresh(here.refresh_token)
    assert await refused(world.refresh(other.refresh_token)) == "REFRESH_TOKEN_INVALID"
    assert await refused(world.login()) == "INVALID_CREDENTIALS"
    assert await world.login(password=NEW_PASSWORD)
    assert await refused(reset(world, old_reset)) == "LINK_INVALID"
    assert (await world.mailed())[-1] == ("anna@example.com", "Your password was changed", "")
    assert "password.changed" in await world.noted()


@pytest.mark.parametrize(
    ("old", "new", "reason"),
    [("wrong", NEW_PASSWORD, "PASSWORD_WRONG"), (PASSWORD, "Password123", "PASSWORD_TOO_COMMON")],
)
async def test_a_change_of_password_that_is_refused_changes_nothing(
    world: World, old: str, new: str, reason: str
) -> None:
    """No session ends and no mail is sent."""
    anna = await world.register()
    opened = await world.login()
    before = await world.mailed()
    assert await refused(change_password(world, anna.id, opened.session_id, old, new)) == reason
    assert await world.refresh(opened.refresh_token)
    assert await world.login()
    assert await world.mailed() == before


async def test_of_two_who_change_a_password_at_once_one_does(world: World) -> None:
    """The other's present password is no longer right."""
    anna = await world.register()
    opened = await world.login()
    results = await asyncio.gather(
        *(change_password(world, anna.id, opened.session_id, new=f"{NEW_PASSWORD} {n}") for n in range(2)),
        return_exceptions=True,
    )
    assert results.count(None) == 1
    assert [result.reason for result in results if isinstance(result, Forbidden)] == ["PASSWORD_WRONG"]
    assert await world.login(password=f"{NEW_PASSWORD} {results.index(None)}")


@pytest.mark.parametrize("password", ["pässwörter für jeden", "x y" * 341, "𝔭𝔞𝔰𝔰𝔴𝔬𝔯𝔱 𝔬𝔣 𝔪𝔦𝔫𝔢", "trailing blank   "])
async def test_a_password_is_taken_as_it_is(world: World, password: str) -> None:
    """Nothing is cut or changed: a letter less, and it is another one."""
    await world.register(password=password)
    assert await world.login(password=password)
    assert await refused(world.login(password=password[:-1])) == "INVALID_CREDENTIALS"


# Getting a password back.


async def test_a_link_sets_another_password_and_ends_all_sessions(world: World) -> None:
    """Nobody is logged in by it; it works once."""
    await world.register()
    opened = await world.login()
    await forgot(world)
    token = await world.last_link()
    await reset(world, token)
    assert await refused(world.refresh(opened.refresh_token)) == "REFRESH_TOKEN_INVALID"
    assert await refused(world.login()) == "INVALID_CREDENTIALS"
    assert await world.login(password=NEW_PASSWORD)
    assert await refused(reset(world, token)) == "LINK_INVALID"
    assert (await world.mailed())[-1] == ("anna@example.com", "Your password was changed", "")
    noted = await world.noted()
    assert noted.index("password.reset_asked") < noted.index("password.reset")


async def test_a_reset_ends_after_half_an_hour(world: World) -> None:
    """To the second."""
    await world.register()
    await forgot(world)
    token = await world.last_link()
    world.now += timedelta(minutes=30)
    assert await refused(reset(world, token)) == "LINK_INVALID"
    world.now -= timedelta(seconds=1)
    await reset(world, token)


async def test_a_made_up_link_gets_no_hash_computed(world: World) -> None:
    """It is looked at before the password is."""
    assert await refused(reset(world, "made-up")) == "LINK_INVALID"
    assert world.hasher.computed == 0


async def test_a_common_password_does_not_use_the_link_up(world: World) -> None:
    """Another one can be chosen."""
    await world.register()
    await forgot(world)
    token = await world.last_link()
    assert await refused(reset(world, token, "anna1234")) == "PASSWORD_TOO_COMMON"
    await reset(world, token)


async def test_of_many_who_use_a_reset_one_does(world: World) -> None:
    """And its password is the one that counts."""
    await world.register()
    await forgot(world)
    token = await world.last_link()
    results = await asyncio.gather(
        *(reset(world, token, f"{NEW_PASSWORD} {n}") for n in range(8)), return_exceptions=True
    )
    assert results.count(None) == 1
    assert await world.login(password=f"{NEW_PASSWORD} {results.index(None)}")


async def test_forgetting_does_not_tell_who_is_there(world: World) -> None:
    """The same answer, the same number of statements; no mail for unknown, suspended and other workspaces."""
    await world.register()
    await world.register("bea")
    await suspend(world, "bea")
    before = await world.mailed()
    for email, fields in (
        ("nobody@example.com", {}),
        ("bea@example.com", {}),
        ("anna@example.com", {"workspace_id": "acme"}),
        (".anna@example.com", {}),
    ):
        await forgot(world, email, **fields)
    assert await world.mailed() == before
    await forgot(world, "ANNA@example.com")
    assert len(await world.mailed()) == len(before) + 1


async def test_a_suspended_user_gets_in_by_no_link(world: World) -> None:
    """Not by one that was sent before."""
    await world.register()
    await forgot(world)
    token = await world.last_link()
    await suspend(world, "anna")
    assert await refused(reset(world, token)) == "LINK_INVALID"
