"""SessionService over a real database."""

import asyncio
import threading
from datetime import timedelta

import pytest
from argon2 import PasswordHasher
from sqlalchemy import text

from chat.user.v1 import session_service_pb2 as pb
from mesh.errors import Unauthenticated, Unavailable
from mesh.identity.principal import Principal
from tests.integration.user.world import PASSWORD, World


async def refusal(world: World, username: str, password: str) -> Unauthenticated:
    with pytest.raises(Unauthenticated) as error:
        await world.login(username, password)
    return error.value


async def suspend(world: World) -> None:
    await world.database.write(lambda connection: connection.execute(text("UPDATE users SET is_active = false")))


@pytest.mark.parametrize("login", ["anna", "ANNA", "Anna@Example.com"])
async def test_logs_in_by_name_or_address(world: World, login: str) -> None:
    """The answer opens a session: two tokens, its id, and whose it is."""
    await world.register("anna")
    answer = await world.login(login)
    assert answer.expires_in == 600
    assert answer.session_id.startswith("id-")
    assert answer.user.username == "anna"
    assert answer.user.last_login.ToDatetime(world.now.tzinfo) == world.now
    end = world.now.timestamp() + 600
    assert world.principal(answer.access_token) == Principal(answer.user.id, answer.session_id, "user", end)


async def test_every_log_in_is_a_session_of_its_own(world: World) -> None:
    """No id and no token is given twice."""
    await world.register()
    one, two = await world.login(), await world.login()
    assert one.session_id != two.session_id
    assert one.refresh_token != two.refresh_token
    assert one.access_token != two.access_token


async def test_unknown_wrong_and_suspended_get_the_same_answer_at_the_same_cost(world: World) -> None:
    """Same reason, same words, nothing else; and in each case one whole hash is computed."""
    await world.register()
    answers, costs = [], []
    for username, password in (("nobody", PASSWORD), ("no@body.example", PASSWORD), ("anna", "wrong")):
        before = world.hasher.computed
        answers.append(await refusal(world, username, password))
        costs.append(world.hasher.computed - before)
    await suspend(world)
    before = world.hasher.computed
    answers.append(await refusal(world, "anna", PASSWORD))
    costs.append(world.hasher.computed - before)
    assert {(a.reason, a.message, a.retry_after_s, str(a.metadata)) for a in answers} == {
        ("INVALID_CREDENTIALS", "The name or the password is wrong.", None, "{}")
    }
    assert costs == [1, 1, 1, 1]


async def test_a_hash_with_old_parameters_is_renewed_by_logging_in(world: World) -> None:
    """Once, and the password stays the same."""
    await world.register()
    known = await world.store.credentials("default", "anna")
    assert known is not None
    old = PasswordHasher(time_cost=2, memory_cost=8, parallelism=1).hash(PASSWORD)
    await world.store.replace_password_hash(known.account.id, known.password_hash, old)
    await refusal(world, "anna", "wrong")
    assert (await world.store.credentials("default", "anna")).password_hash == old  # type: ignore[union-attr]
    await world.login()
    renewed = await world.store.credentials("default", "anna")
    assert renewed is not None
    assert not world.passwords.is_outdated(renewed.password_hash)
    before = world.hasher.computed
    await world.login()
    assert world.hasher.computed == before + 1


async def test_a_flood_of_log_ins_is_shed(world: World) -> None:
    """Ten have a place to wait; the others are told at once to come back."""
    await world.register()
    gate = threading.Event()
    world.pool.submit(gate.wait, 10)
    calls = {asyncio.create_task(world.login()) for _ in range(20)}
    refused: set[asyncio.Task[pb.LoginResponse]] = set()
    async with asyncio.timeout(5):
        while len(refused) < 10:
            done, _ = await asyncio.wait(calls - refused, return_when=asyncio.FIRST_COMPLETED)
            refused |= done
    gate.set()
    answers = await asyncio.gather(*(calls - refused))
    assert len({answer.session_id for answer in answers}) == 10
    errors = [call.exception() for call in refused]
    assert {error.reason for error in errors if isinstance(error, Unavailable)} == {"OVERLOADED"}
    assert all(isinstance(error, Unavailable) for error in errors)


async def test_a_refresh_answers_new_tokens_of_the_same_session(world: World) -> None:
    """The access token is fresh, and stands for the same session."""
    await world.register()
    opened = await world.login()
    world.now += timedelta(minutes=9)
    fresh = await world.refresh(opened.refresh_token)
    assert fresh.session_id == opened.session_id
    assert fresh.expires_in == 600
    assert fresh.refresh_token != opened.refresh_token
    end = world.now.timestamp() + 600
    assert world.principal(fresh.access_token) == Principal(opened.user.id, opened.session_id, "user", end)


async def test_a_lost_reply_and_parallel_refreshes_keep_the_session(world: World) -> None:
    """Ten refreshes with one token get ten answers that all go on."""
    await world.register()
    opened = await world.login()
    answers = await asyncio.gather(*(world.refresh(opened.refresh_token) for _ in range(10)))
    for answer in answers:
        await world.refresh(answer.refresh_token)


async def test_a_token_used_after_its_successor_revokes_the_session(world: World) -> None:
    """And only this one."""
    await world.register()
    opened, other = await world.login(), await world.login()
    second = await world.refresh(opened.refresh_token)
    third = await world.refresh(second.refresh_token)
    with pytest.raises(Unauthenticated, match="REFRESH_TOKEN_REUSED"):
        await world.refresh(opened.refresh_token)
    for token in (opened.refresh_token, second.refresh_token, third.refresh_token):
        with pytest.raises(Unauthenticated, match="REFRESH_TOKEN_INVALID"):
            await world.refresh(token)
    assert await world.refresh(other.refresh_token)


@pytest.mark.parametrize("token", ["", ".", "a.b", "x" * 200, "é.ü", "\x00.\x00"])
async def test_a_made_up_token_is_invalid(world: World, token: str) -> None:
    """Whatever it looks like."""
    with pytest.raises(Unauthenticated, match="REFRESH_TOKEN_INVALID"):
        await world.refresh(token)


async def test_a_session_ends_thirty_days_after_its_last_refresh(world: World) -> None:
    """Used in time it goes on; left alone it ends."""
    await world.register()
    token = (await world.login()).refresh_token
    world.now += timedelta(days=29)
    token = (await world.refresh(token)).refresh_token
    world.now += timedelta(days=29)
    token = (await world.refresh(token)).refresh_token
    world.now += timedelta(days=30)
    with pytest.raises(Unauthenticated, match="REFRESH_TOKEN_INVALID"):
        await world.refresh(token)


async def test_a_suspended_user_gets_no_new_tokens(world: World) -> None:
    """The session is of no use any more."""
    await world.register()
    opened = await world.login()
    await suspend(world)
    with pytest.raises(Unauthenticated, match="REFRESH_TOKEN_INVALID"):
        await world.refresh(opened.refresh_token)


async def test_logging_out_ends_the_session_of_the_caller(world: World) -> None:
    """Doing it again is as good; another session of the same user goes on."""
    await world.register()
    opened, other = await world.login(), await world.login()
    for _ in range(2):
        await world.logout(opened.session_id)
    with pytest.raises(Unauthenticated, match="REFRESH_TOKEN_INVALID"):
        await world.refresh(opened.refresh_token)
    assert await world.refresh(other.refresh_token)


async def test_only_a_caller_logs_out(world: World) -> None:
    """Without a token there is no session to end."""
    with pytest.raises(Unauthenticated, match="TOKEN_MISSING"):
        await world.sessions.Logout(pb.LogoutRequest(), None)
