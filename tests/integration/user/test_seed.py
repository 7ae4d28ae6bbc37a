"""The seeded users of development."""

import asyncio
import re
from pathlib import Path

import pytest
from sqlalchemy import text

from chat.user.v1 import account_service_pb2 as pb
from chat.user.v1.user_pb2 import USER_ROLE_ADMIN, USER_ROLE_USER
from mesh.safety import Unsafe
from mesh.settings import Settings
from services.user.seed import SEEDS, refuse_seeded, seed, seed_password
from tests.integration.user.world import World, calling_as


async def run(world: World, settings: Settings) -> None:
    await seed(settings, world.store, world.passwords, clock=lambda: world.now)


async def test_alice_is_an_admin_and_bob_is_not(world: World, tmp_path: Path) -> None:
    """Both have proven their address, and get no mail."""
    settings = Settings(data=tmp_path)
    await run(world, settings)
    alice, bob = [(await world.login(name, seed_password(settings))).user for name in ("alice", "bob")]
    assert (alice.role, bob.role) == (USER_ROLE_ADMIN, USER_ROLE_USER)
    assert alice.is_verified
    assert bob.is_verified
    assert await world.mailed() == []


async def test_seeding_again_hashes_nothing_and_makes_nobody(world: World, tmp_path: Path) -> None:
    """Later starts are free."""
    settings = Settings(data=tmp_path)
    await run(world, settings)
    alice = await world.store.credentials("default", "alice")
    assert world.hasher.computed == 2
    await run(world, settings)
    assert world.hasher.computed == 2
    assert await world.store.credentials("default", "alice") == alice


async def test_only_those_that_are_missing_are_made(world: World, tmp_path: Path) -> None:
    """A start that was cut short is made good by the next; somebody's own account of that name stays."""
    settings = Settings(data=tmp_path)
    await world.register("alice", password="her own password")
    await run(world, settings)
    await world.login("alice", "her own password")
    await world.login("bob", seed_password(settings))


@pytest.mark.parametrize("change", ["renamed", "erased"])
async def test_who_took_another_name_or_was_erased_is_not_missing(world: World, tmp_path: Path, change: str) -> None:
    """Nobody comes back by a restart, and no start fails."""
    settings = Settings(data=tmp_path)
    await run(world, settings)
    with calling_as(SEEDS["bob"].id):
        if change == "renamed":
            await world.accounts.UpdateMe(pb.UpdateMeRequest(username="robert"), None)
        else:
            await world.accounts.DeleteMe(pb.DeleteMeRequest(password=seed_password(settings)), None)
    await run(world, settings)
    assert await world.store.credentials("default", "bob") is None


async def test_two_that_seed_at_once_both_go_on(world: World, tmp_path: Path) -> None:
    """Who comes second to a name leaves it to the first."""
    settings = Settings(data=tmp_path)
    password = seed_password(settings)
    await asyncio.gather(run(world, settings), run(world, settings))
    assert world.hasher.computed > 2
    assert (await world.login("bob", password)).user.full_name == "Bob Rivera"


async def test_production_refuses_seeded_users(world: World, tmp_path: Path) -> None:
    """By whatever name, and those of earlier versions too; not once they were erased."""
    settings = Settings(data=tmp_path)
    await refuse_seeded(world.store)
    await run(world, settings)
    with calling_as(SEEDS["bob"].id):
        await world.accounts.UpdateMe(pb.UpdateMeRequest(username="robert"), None)
        with pytest.raises(Unsafe, match=r"CHAT_ENV.*: alice, robert\."):
            await refuse_seeded(world.store)
        await world.accounts.DeleteMe(pb.DeleteMeRequest(password=seed_password(settings)), None)
    earlier = text("UPDATE users SET id = 'another' WHERE username = 'alice'")
    await world.database.write(lambda connection: connection.execute(text("DELETE FROM user_changes")))
    await world.database.write(lambda connection: connection.execute(earlier))
    with pytest.raises(Unsafe, match=r": alice\."):
        await refuse_seeded(world.store)


def test_the_password_is_easy_to_type(tmp_path: Path) -> None:
    """Four words of four letters, the same at each reading."""
    settings = Settings(data=tmp_path)
    password = seed_password(settings)
    assert re.fullmatch(r"([a-z]{4}-){3}[a-z]{4}", password)
    assert seed_password(settings) == password
