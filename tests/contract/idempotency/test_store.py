"""What every IdempotencyStore does."""

import asyncio
from dataclasses import replace
from datetime import UTC, datetime, timedelta

from mesh.idempotency.store import Claim, IdempotencyStore, Kept

NOW = datetime(2027, 1, 15, 8, 0, 0, 123456, tzinfo=UTC)
SECOND, HOUR = timedelta(seconds=1), timedelta(hours=1)


def a_claim(now: datetime = NOW, *, name: bytes = b"k", request: bytes = b"r") -> Claim:
    return Claim(name * 32, "default", request * 32, now + 8 * SECOND, now + 24 * HOUR)


async def test_the_first_call_may_run(store: IdempotencyStore) -> None:
    """The others see that it does."""
    first = a_claim()
    assert await store.claim(first, NOW) is None
    assert await store.claim(a_claim(NOW + SECOND, request=b"x"), NOW + SECOND) == Kept(first.fingerprint, None)


async def test_the_first_answer_is_kept(store: IdempotencyStore) -> None:
    """Until it is forgotten, long after the lease."""
    first = a_claim()
    await store.claim(first, NOW)
    assert await store.finish(first, b"answer")
    for later in (NOW, NOW + HOUR, NOW + 24 * HOUR - SECOND):
        assert await store.claim(a_claim(later), later) == Kept(first.fingerprint, b"answer")
    assert await store.claim(a_claim(NOW + 24 * HOUR), NOW + 24 * HOUR) is None


async def test_other_keys_are_other_calls(store: IdempotencyStore) -> None:
    """Each may run."""
    assert await store.claim(a_claim(), NOW) is None
    assert await store.claim(a_claim(name=b"l"), NOW) is None


async def test_what_was_given_back_may_run_again(store: IdempotencyStore) -> None:
    """At once, and with another request."""
    await store.claim(a_claim(), NOW)
    await store.release(a_claim())
    assert await store.claim(a_claim(request=b"x"), NOW) is None


async def test_a_dead_call_is_taken_over(store: IdempotencyStore) -> None:
    """When its lease has ended and not before. Should it be alive after all, its answer is not kept."""
    dead, heir = a_claim(), a_claim(NOW + 8 * SECOND)
    await store.claim(dead, NOW)
    assert await store.claim(a_claim(NOW + 7 * SECOND), NOW + 7 * SECOND) == Kept(dead.fingerprint, None)
    assert await store.claim(heir, NOW + 8 * SECOND) is None
    assert not await store.finish(dead, b"late")
    await store.release(dead)
    assert await store.finish(heir, b"answer")
    assert await store.claim(a_claim(), NOW + 9 * SECOND) == Kept(heir.fingerprint, b"answer")


async def test_an_answer_stays_as_it_is(store: IdempotencyStore) -> None:
    """It is neither given back nor replaced."""
    first = a_claim()
    await store.claim(first, NOW)
    await store.finish(first, b"answer")
    await store.release(first)
    assert not await store.finish(first, b"another")
    assert await store.claim(a_claim(), NOW) == Kept(first.fingerprint, b"answer")


async def test_one_of_many_may_run(store: IdempotencyStore) -> None:
    """When they come at the same time; whether the key is new or its call is dead."""
    for now in (NOW, NOW + HOUR):
        claims = [replace(a_claim(now), leased_until=now + timedelta(microseconds=n + 1)) for n in range(50)]
        found = await asyncio.gather(*[store.claim(claim, now) for claim in claims])
        assert found.count(None) == 1


async def test_what_is_forgotten_is_swept(store: IdempotencyStore) -> None:
    """A few at a time; what is still good stays."""
    for name in (b"a", b"b", b"c"):
        await store.claim(a_claim(name=name), NOW)
    young = a_claim(NOW + HOUR, name=b"y")
    await store.claim(young, NOW + HOUR)
    late = NOW + 24 * HOUR
    assert [await store.sweep(late, 2) for _ in range(3)] == [2, 1, 0]
    assert await store.claim(a_claim(late, name=b"a"), late) is None
    await store.finish(young, b"answer")
    assert await store.claim(a_claim(late, name=b"y"), late) == Kept(young.fingerprint, b"answer")
