"""What every store of presence promises, wherever it keeps it."""

from dataclasses import replace
from uuid import uuid4

import pytest

from services.presence.domain import GRACE_MS, LEASE_MS, Custom, Lease, Record, Status, User
from tests.contract.presence.conftest import Rig

LEASE_S, GRACE_S = LEASE_MS / 1000, GRACE_MS / 1000
EMPTY = Record()


@pytest.fixture
def anna() -> User:
    return User("acme", str(uuid4()))


def lease(user: User, socket_id: str = "s1", *, is_away: bool = False) -> Lease:
    return Lease(user, "session", socket_id, "gateway", is_away)


async def test_nobody_is_kept_of_whom_nothing_was_heard(rig: Rig, anna: User) -> None:
    """Nor is anything of the same id in another workspace."""
    await rig.store.apply([lease(anna)], [], [])
    await rig.store.say(anna, Custom(Status.BUSY, "no"), came_online=False)
    others = [User("other", anna.id), User("acme", str(uuid4()))]
    for found in (await rig.store.read(others)).records:
        assert (list(found.devices), found.custom, found.seen_ms) == ([], None, 0)


async def test_the_first_device_brings_a_user_online_and_no_other_does(rig: Rig, anna: User) -> None:
    """Each is a device of its own, also in the same session; the same one again is nothing new."""
    await rig.watch(anna)
    await rig.store.apply([lease(anna)], [], [])
    assert await rig.ears.next(anna) is True
    await rig.store.apply([lease(anna, "s2")], [], [])
    assert await rig.ears.next(anna) is False
    await rig.store.apply([lease(anna), lease(anna, "s2")], [], [])
    await rig.store.apply([lease(anna, "s3")], [], [])
    assert await rig.ears.next(anna) is False
    assert rig.ears.rung == []
    assert await rig.live(anna) == 3


async def test_of_several_in_one_go_one_brings_a_user_online(rig: Rig, anna: User) -> None:
    """And each user has an edge of their own."""
    bela = User("acme", str(uuid4()))
    await rig.watch(anna)
    await rig.watch(bela)
    await rig.store.apply([lease(anna), lease(bela), lease(anna, "s2")], [], [])
    await rig.ears.until(lambda: len(rig.ears.rung) == 3)
    assert sorted(rig.ears.rung) == sorted([(anna.id, False), (anna.id, True), (bela.id, True)])


async def test_a_device_that_is_renewed_stays_and_one_that_is_not_lapses(rig: Rig, anna: User) -> None:
    """To the moment, whether somebody sweeps or not."""
    await rig.store.apply([lease(anna), lease(anna, "s2")], [], [])
    rig.clock.advance(LEASE_S - 5)
    await rig.store.apply([], [lease(anna)], [])
    assert await rig.live(anna) == 2
    rig.clock.advance(5)
    assert await rig.live(anna) == 1
    rig.clock.advance(LEASE_S - 10)
    assert await rig.live(anna) == 1
    rig.clock.advance(5)
    assert await rig.live(anna) == 0


async def test_what_has_lapsed_is_swept_and_leaves_when_it_was_last_seen(rig: Rig, anna: User) -> None:
    """The sweep rings once for each; what goes on is left alone."""
    await rig.watch(anna)
    await rig.store.apply([lease(anna), lease(anna, "s2")], [], [])
    rig.clock.advance(20)
    await rig.store.apply([], [lease(anna, "s2")], [])
    now, _ = await rig.record(anna)
    rig.clock.advance(LEASE_S - 20)
    assert [await rig.ears.next(anna), await rig.ears.next(anna)] == [True, False]
    await rig.store.sweep(100)
    assert await rig.ears.next(anna) is False
    assert await rig.live(anna) == 1
    rig.clock.advance(20)
    assert await rig.store.sweep(100) == 1
    assert await rig.store.sweep(100) == 0
    assert await rig.ears.next(anna) is False
    _, record = await rig.record(anna)
    assert list(record.devices) == []
    assert abs(record.seen_ms - now) < 5_000


async def test_a_sweep_takes_no_more_than_it_may(rig: Rig, anna: User) -> None:
    """So that many who are lost at once do not hold up everything else."""
    await rig.store.apply([lease(anna, f"s{number}") for number in range(7)], [], [])
    rig.clock.advance(LEASE_S + 1)
    assert [await rig.store.sweep(3) for _ in range(4)] == [3, 3, 1, 0]


async def test_a_device_that_is_closed_holds_for_the_grace(rig: Rig, anna: User) -> None:
    """It is told apart from those that are connected."""
    await rig.watch(anna)
    await rig.store.apply([lease(anna)], [], [])
    await rig.store.apply([], [], [lease(anna)])
    now, record = await rig.record(anna)
    (device,) = record.devices
    assert device.is_closed
    assert now < device.until_ms <= now + GRACE_MS
    rig.clock.advance(GRACE_S)
    assert await rig.live(anna) == 0
    assert await rig.store.sweep(100) == 1
    assert [await rig.ears.next(anna) for _ in range(3)] == [True, False, False]
    assert list((await rig.record(anna))[1].devices) == []


async def test_whoever_is_back_within_the_grace_was_never_away(rig: Rig, anna: User) -> None:
    """As when a page is loaded again; after the grace it is news."""
    await rig.watch(anna)
    await rig.store.apply([lease(anna)], [], [])
    await rig.store.apply([], [], [lease(anna)])
    await rig.store.apply([lease(anna, "s2")], [], [])
    assert [await rig.ears.next(anna) for _ in range(3)] == [True, False, False]
    await rig.store.apply([], [], [lease(anna, "s2")])
    rig.clock.advance(GRACE_S)
    await rig.store.apply([lease(anna, "s3")], [], [])
    assert [await rig.ears.next(anna) for _ in range(2)] == [False, True]


async def test_the_same_device_can_be_opened_again_after_it_was_closed(rig: Rig, anna: User) -> None:
    """It is connected as before."""
    await rig.store.apply([lease(anna)], [], [])
    await rig.store.apply([], [], [lease(anna)])
    await rig.store.apply([], [lease(anna)], [])
    rig.clock.advance(GRACE_S + 1)
    await rig.store.sweep(100)
    _, record = await rig.record(anna)
    assert [device.is_closed for device in record.devices] == [False]
    assert await rig.live(anna) == 1


async def test_to_close_what_is_not_there_does_nothing(rig: Rig, anna: User) -> None:
    """Nor does it twice."""
    await rig.store.apply([], [], [lease(anna)])
    assert list((await rig.record(anna))[1].devices) == []
    await rig.store.apply([lease(anna)], [], [])
    await rig.store.apply([], [], [lease(anna)])
    until = (await rig.record(anna))[1].devices[0].until_ms
    rig.clock.advance(1)
    await rig.store.apply([], [], [lease(anna)])
    assert (await rig.record(anna))[1].devices[0].until_ms == until


async def test_what_is_announced_again_brings_nobody_online(rig: Rig, anna: User) -> None:
    """As after the store has lost everything."""
    await rig.watch(anna)
    await rig.store.apply([], [lease(anna)], [])
    assert await rig.ears.next(anna) is False
    assert await rig.live(anna) == 1


async def test_a_device_that_goes_away_is_told_of(rig: Rig, anna: User) -> None:
    """And one that goes on as it was is not."""
    await rig.watch(anna)
    await rig.store.apply([lease(anna)], [], [])
    await rig.store.apply([], [lease(anna)], [])
    await rig.store.apply([], [lease(anna, is_away=True)], [])
    assert [await rig.ears.next(anna) for _ in range(2)] == [True, False]
    assert [device.is_away for device in (await rig.record(anna))[1].devices] == [True]
    await rig.store.apply([], [lease(anna)], [])
    assert await rig.ears.next(anna) is False
    assert rig.ears.rung == []


async def test_what_a_user_says_is_kept_replaced_and_taken_back(rig: Rig, anna: User) -> None:
    """Whatever happens to the devices."""
    said = Custom(Status.INVISIBLE, 'Zur Höhle | "closed":true', "🦇", hidden_ms=17)
    await rig.watch(anna)
    await rig.store.say(anna, said, came_online=False)
    assert await rig.ears.next(anna) is False
    assert (await rig.record(anna))[1].custom == said
    await rig.store.say(anna, replace(said, message="back"), came_online=True)
    assert await rig.ears.next(anna) is True
    assert (await rig.record(anna))[1].custom == replace(said, message="back")
    await rig.store.say(anna, Custom(Status.AVAILABLE), came_online=False)
    assert (await rig.record(anna))[1].custom is None


async def test_what_a_user_says_is_told_to_have_ended(rig: Rig, anna: User) -> None:
    """At its time, and not when it was replaced by what lasts."""
    await rig.watch(anna)
    now, _ = await rig.record(anna)
    await rig.store.say(anna, Custom(Status.BUSY, "meeting", expires_ms=now + 60_000), came_online=False)
    assert await rig.store.sweep(100) == 0
    rig.clock.advance(61)
    assert await rig.store.sweep(100) == 1
    assert [await rig.ears.next(anna) for _ in range(2)] == [False, False]
    assert (await rig.record(anna))[1].custom is None
    await rig.store.say(anna, Custom(Status.BUSY, expires_ms=now + 120_000), came_online=False)
    await rig.store.say(anna, Custom(Status.BUSY), came_online=False)
    rig.clock.advance(100)
    await rig.store.sweep(100)
    assert (await rig.record(anna))[1].custom == Custom(Status.BUSY)


async def test_nothing_is_kept_of_who_is_forgotten(rig: Rig, anna: User) -> None:
    """The sweep finds what it left behind, and is not bothered."""
    await rig.store.apply([lease(anna)], [], [])
    await rig.store.say(anna, Custom(Status.BUSY), came_online=False)
    await rig.store.apply([lease(anna, "s2")], [], [lease(anna, "s2")])
    rig.clock.advance(GRACE_S)
    await rig.store.sweep(100)
    await rig.store.forget(anna.id)
    _, record = await rig.record(anna)
    assert (list(record.devices), record.custom, record.seen_ms) == ([], None, 0)


async def test_who_is_not_watched_any_more_is_not_told_of(rig: Rig, anna: User) -> None:
    """Only those are who are watched."""
    bela = User("acme", str(uuid4()))
    await rig.watch(anna)
    await rig.store.unwatch([anna.id])
    await rig.watch(bela)
    await rig.store.apply([lease(anna), lease(bela)], [], [])
    assert await rig.ears.next(bela) is True
    assert rig.ears.rung == []


async def test_a_great_many_come_in_one_go(rig: Rig) -> None:
    """Also when they are more than go into one question to a store."""
    users = [User("acme", str(uuid4())) for _ in range(1200)]
    await rig.store.apply([lease(user) for user in users], [], [])
    found = await rig.store.read(users)
    assert all(len(record.devices) == 1 for record in found.records)
