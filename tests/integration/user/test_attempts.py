"""Guessing passwords: how it is slowed down and stopped, and that it tells nothing."""

import asyncio
from datetime import timedelta

import pytest

from chat.user.v1 import credential_service_pb2 as pb
from mesh.errors import Error
from tests.integration.user.test_credentials import forgot, refused, reset
from tests.integration.user.world import PASSWORD, World

WRONG = "wrong horse"
Answer = tuple[str, float | None]


async def answer(world: World, login: str, password: str = WRONG, workspace_id: str = "") -> Answer:
    """The reason of a refusal, and how long to wait."""
    with pytest.raises(Error) as refusal:
        await world.login(login, password, workspace_id=workspace_id)
    return refusal.value.reason, refusal.value.retry_after_s


async def fail(world: World, login: str, times: int) -> list[Answer]:
    """So many failures that are looked at, waiting as long as it is told; all answers."""
    answers: list[Answer] = []
    looked_at = 0
    while looked_at < times:
        answers.append(await answer(world, login))
        if wait_s := answers[-1][1]:
            world.now += timedelta(seconds=wait_s)
        else:
            looked_at += 1
    return answers


async def test_failures_slow_down_and_lock(world: World) -> None:
    """Two for nothing, then a pause that doubles, and a lock with the tenth; nothing is hashed meanwhile."""
    await world.register()
    answers = await fail(world, "anna", 10)
    waits = [wait for reason, wait in answers if reason == "RATE_LIMITED"]
    assert waits == [1, 2, 4, 8, 16, 32, 64]
    assert [reason for reason, _ in answers].count("INVALID_CREDENTIALS") == 10
    hashed = world.hasher.computed
    assert await answer(world, "anna", PASSWORD) == ("LOGIN_LOCKED", 900)
    assert world.hasher.computed == hashed
    world.now += timedelta(minutes=15)
    assert await world.login()


async def test_a_lock_doubles_up_to_a_day(world: World) -> None:
    """With each failure after it."""
    await fail(world, "anna", 10)
    locks = []
    for _ in range(8):
        reason, wait_s = await answer(world, "anna")
        assert reason == "LOGIN_LOCKED"
        assert wait_s is not None
        locks.append(wait_s / 3600)
        world.now += timedelta(seconds=wait_s)
        await answer(world, "anna")
    assert locks == [0.25, 0.5, 1, 2, 4, 8, 16, 24]


async def test_names_that_nobody_has_are_answered_alike(world: World) -> None:
    """The very same sequence, hash for hash, by name and by address."""
    await world.register()
    sequences, hashes = [], []
    for login in ("anna", "nobody", "anna@example.com", "nobody@example.com"):
        before, start = world.hasher.computed, world.now
        sequences.append([*await fail(world, login, 12), await answer(world, login)])
        hashes.append(world.hasher.computed - before)
        world.now = start
    assert all(sequence == sequences[0] for sequence in sequences)
    assert hashes == [12] * 4


async def test_a_success_forgets_the_failures(world: World) -> None:
    """The next one begins anew."""
    await world.register()
    for _ in range(3):
        await fail(world, "anna", 2)
        await world.login()
    assert await fail(world, "anna", 2) == [("INVALID_CREDENTIALS", None)] * 2


async def test_time_forgets_the_failures(world: World) -> None:
    """Two days after the last one, even if nobody swept them."""
    await fail(world, "anna", 9)
    world.now += timedelta(days=2, seconds=1)
    assert await fail(world, "anna", 2) == [("INVALID_CREDENTIALS", None)] * 2


async def test_what_is_tried_during_a_pause_counts_for_nothing(world: World) -> None:
    """A flood does not make it longer."""
    await world.register()
    await fail(world, "anna", 3)
    for _ in range(50):
        assert await answer(world, "anna") == ("RATE_LIMITED", 1)
    world.now += timedelta(seconds=1)
    assert await world.login()


async def test_a_lock_disturbs_nobody_who_is_logged_in(world: World) -> None:
    """Nor another name, nor the same name in another workspace."""
    await world.register("anna")
    await world.register("bea")
    opened = await world.login("anna")
    await fail(world, "ANNA", 10)
    assert (await answer(world, "anna"))[0] == "LOGIN_LOCKED"
    assert await world.refresh(opened.refresh_token)
    assert await world.login("bea")
    assert (await answer(world, "anna", workspace_id="acme"))[0] == "INVALID_CREDENTIALS"


async def test_the_owner_of_a_locked_name_unlocks_it_by_mail(world: World) -> None:
    """By a link that works once; nobody else gets a mail."""
    await world.register()
    before = len(await world.mailed())
    await fail(world, "nobody", 10)
    assert len(await world.mailed()) == before
    await fail(world, "anna", 10)
    [*_, (to, subject, token)] = await world.mailed()
    assert len(await world.mailed()) == before + 1
    assert (to, subject) == ("anna@example.com", "Too many failed log-ins to your account")
    unlock = pb.UnlockRequest(token=token)
    await world.credentials.Unlock(unlock, None)
    assert await world.login()
    assert await refused(world.credentials.Unlock(unlock, None)) == "LINK_INVALID"
    noted = await world.noted()
    assert noted.count("login.locked") == 2
    assert noted.count("login.unlocked") == 1


async def test_an_unlock_ends_after_an_hour(world: World) -> None:
    """Then one waits, or locks again."""
    await world.register()
    await fail(world, "anna", 10)
    token = await world.last_link()
    world.now += timedelta(hours=1)
    assert await refused(world.credentials.Unlock(pb.UnlockRequest(token=token), None)) == "LINK_INVALID"


async def test_a_reset_unlocks_too(world: World) -> None:
    """Whoever reads the owner's mails is the owner."""
    await world.register()
    await fail(world, "anna", 10)
    await fail(world, "anna@example.com", 10)
    await forgot(world)
    await reset(world, await world.last_link(), "purple monday lamp")
    assert await world.login(password="purple monday lamp")
    assert await world.login("anna@example.com", "purple monday lamp")


async def test_failures_at_the_same_time_all_count(world: World) -> None:
    """None is lost between the others."""
    await world.register()
    results = await asyncio.gather(*(world.login(password=WRONG) for _ in range(10)), return_exceptions=True)
    assert not [result for result in results if not isinstance(result, Error)]
    assert (await answer(world, "anna"))[0] == "LOGIN_LOCKED"
