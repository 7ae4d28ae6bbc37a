"""API keys, against a user service that counts how often it is asked."""

import asyncio
from hashlib import sha256

import grpc
import pytest
from grpc.aio import AioRpcError, Metadata

from mesh.errors import Unauthenticated, Unavailable
from mesh.identity.api_keys import MAX_REMEMBERED, key_invalid
from mesh.identity.principal import Principal
from mesh.identity.verifier import Verifier

NOW = 1_800_000_000.0
KEY = "ck_" + "k" * 43


class World:
    def __init__(self) -> None:
        self.now = NOW
        self.asked: list[bytes] = []
        self.error: Exception | None = None
        self.open = asyncio.Event()
        self.open.set()
        self.verifier = Verifier(self.fetch, self.introspect, clock=lambda: self.now)

    async def fetch(self) -> list[dict[str, str]]:
        raise AssertionError("an API key needs no signing key")

    async def introspect(self, digest: bytes) -> Principal:
        self.asked.append(digest)
        await self.open.wait()
        if self.error is not None:
            raise self.error
        return Principal("u-1", "k-1", "user", self.now + 600, "default", frozenset({"user:read"}))


async def test_a_key_stands_for_its_user_within_its_scopes() -> None:
    """The user service is asked by the hash: the secret stays here."""
    world = World()
    principal = await world.verifier.verify(KEY)
    assert (principal.user_id, principal.scopes) == ("u-1", frozenset({"user:read"}))
    assert world.asked == [sha256(KEY.encode()).digest()]


async def test_an_answer_is_remembered_for_a_minute() -> None:
    """Then it is asked for again: rights may have changed."""
    world = World()
    principal = await world.verifier.verify(KEY)
    world.now += 59.9
    assert world.verifier.cached(KEY) is principal
    assert await world.verifier.verify(KEY) is principal
    world.now += 0.1
    assert world.verifier.cached(KEY) is None
    await world.verifier.verify(KEY)
    assert len(world.asked) == 2


async def test_a_revoked_key_is_refused_at_once() -> None:
    """The remembered answer does not outlive it."""
    world = World()
    await world.verifier.verify(KEY)
    world.verifier.revocations.add([("k-1", world.now + 660)])
    assert world.verifier.cached(KEY) is None
    with pytest.raises(Unauthenticated, match="SESSION_REVOKED"):
        await world.verifier.verify(KEY)
    world.error = key_invalid()
    with pytest.raises(Unauthenticated, match="TOKEN_INVALID"):
        await world.verifier.verify(KEY)


async def test_a_bad_key_is_not_asked_about_again_for_some_seconds() -> None:
    """Whoever tries it over and over costs the user service nothing."""
    world = World()
    world.error = key_invalid()
    for _ in range(3):
        with pytest.raises(Unauthenticated, match="TOKEN_INVALID"):
            await world.verifier.verify(KEY)
    assert len(world.asked) == 1
    world.now, world.error = world.now + 5, None
    assert await world.verifier.verify(KEY)


@pytest.mark.parametrize("key", ["ck_", "ck_short", "ck_" + "k" * 44, "ck_" + "!" * 43, "ck_" + "é" * 43, KEY + "\n"])
async def test_what_no_key_looks_like_is_never_asked_about(key: str) -> None:
    """Nor remembered."""
    world = World()
    with pytest.raises(Unauthenticated, match="TOKEN_INVALID"):
        await world.verifier.verify(key)
    assert world.asked == []
    assert world.verifier.cached(key) is None


async def test_those_who_wait_for_one_key_share_a_question() -> None:
    """And one who gives up takes it from nobody."""
    world = World()
    world.open.clear()
    calls = [asyncio.create_task(world.verifier.verify(KEY)) for _ in range(20)]
    await asyncio.sleep(0)
    calls[0].cancel()
    await asyncio.sleep(0)
    world.open.set()
    answers = await asyncio.gather(*calls[1:])
    assert len(world.asked) == 1
    assert {answer.session_id for answer in answers} == {"k-1"}


async def test_when_nobody_can_tell_the_key_may_be_good() -> None:
    """Unavailable, which is tried again; not refused, and not remembered as bad."""
    world = World()
    world.error = AioRpcError(grpc.StatusCode.UNAVAILABLE, Metadata(), Metadata())
    with pytest.raises(Unavailable):
        await world.verifier.verify(KEY)
    world.error = None
    assert await world.verifier.verify(KEY)


async def test_what_is_remembered_is_bounded() -> None:
    """However many keys somebody makes up."""
    world = World()
    world.error = key_invalid()
    for number in range(MAX_REMEMBERED + 5):
        with pytest.raises(Unauthenticated):
            await world.verifier.verify(f"ck_{number:043d}")
    asked = len(world.asked)
    with pytest.raises(Unauthenticated):
        await world.verifier.verify(f"ck_{0:043d}")  # Forgotten by now.
    with pytest.raises(Unauthenticated):
        await world.verifier.verify(f"ck_{MAX_REMEMBERED:043d}")
    assert len(world.asked) == asked + 1
