"""AccountService over a real database."""

import asyncio

import pytest

from chat.user.v1 import account_service_pb2 as pb
from chat.user.v1.user_pb2 import USER_ROLE_USER, User
from mesh.errors import Conflict, NotFound, Unauthenticated
from tests.integration.user.world import PASSWORD, World, calling_as


async def test_registering_answers_the_new_account(world: World) -> None:
    """As its owner sees it: active, unproven, an ordinary user, never logged in."""
    account = await world.register("Anna", email="Anna@Example.com", full_name="Anna Berg")
    assert (account.id, account.username, account.email) == ("id-1", "anna", "Anna@Example.com")
    assert (account.full_name, account.role) == ("Anna Berg", USER_ROLE_USER)
    assert account.is_active
    assert not account.is_verified
    assert not account.HasField("last_login")
    assert account.created_at.ToDatetime(world.now.tzinfo) == world.now


async def test_a_taken_name_or_address_is_a_conflict(world: World) -> None:
    """In any case of its letters."""
    await world.register("anna")
    with pytest.raises(Conflict, match="USERNAME_TAKEN"):
        await world.register("ANNA", email="other@example.com")
    with pytest.raises(Conflict, match="EMAIL_TAKEN"):
        await world.register("other", email="ANNA@example.com")


async def test_of_many_who_register_one_name_one_gets_it(world: World) -> None:
    """The others are told so, and the winner can log in."""
    attempts = (world.register("anna", email=f"{n}@example.com") for n in range(10))
    results = await asyncio.gather(*attempts, return_exceptions=True)
    assert sorted(getattr(result, "reason", "") for result in results) == ["", *["USERNAME_TAKEN"] * 9]
    [winner] = [result for result in results if not isinstance(result, BaseException)]
    assert (await world.login("anna")).user.email == winner.email


async def test_no_answer_carries_the_password_or_its_hash(world: World) -> None:
    """Neither of registering nor of logging in."""
    answers = [await world.register(), (await world.login()).user]
    known = await world.store.credentials("default", "anna")
    assert known is not None
    for answer in answers:
        assert PASSWORD not in str(answer)
        assert known.password_hash not in str(answer)


async def test_who_calls_sees_the_own_account(world: World) -> None:
    """With the address; nobody without a token does."""
    account = await world.register()
    with calling_as(account.id):
        assert (await world.accounts.GetMe(pb.GetMeRequest(), None)).account == account
    with pytest.raises(Unauthenticated, match="TOKEN_MISSING"):
        await world.accounts.GetMe(pb.GetMeRequest(), None)


async def test_who_is_no_longer_there_has_no_account(world: World) -> None:
    """A token may outlive its user."""
    with calling_as("gone"), pytest.raises(NotFound, match="USER_NOT_FOUND"):
        await world.accounts.GetMe(pb.GetMeRequest(), None)


async def test_everybody_sees_the_public_profile(world: World) -> None:
    """Of a user who exists."""
    account = await world.register()
    user = (await world.accounts.GetUser(pb.GetUserRequest(id=account.id), None)).user
    assert user == User(
        id=account.id,
        username="anna",
        full_name="anna",
        role=USER_ROLE_USER,
        is_active=True,
        created_at=account.created_at,
    )
    with pytest.raises(NotFound, match="USER_NOT_FOUND"):
        await world.accounts.GetUser(pb.GetUserRequest(id="unknown"), None)


async def test_a_batch_answers_in_the_order_asked_for(world: World) -> None:
    """Each user once, and apart from them the ids that nobody has, each once."""
    anna, bea = await world.register("anna"), await world.register("bea")
    asked = [bea.id, "x", anna.id, bea.id, "x", "y"]
    answer = await world.accounts.BatchGetUsers(pb.BatchGetUsersRequest(ids=asked), None)
    assert [user.username for user in answer.items] == ["bea", "anna"]
    assert answer.missing == ["x", "y"]
