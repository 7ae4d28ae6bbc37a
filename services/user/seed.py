"""The two users that a development installation starts with, and that no other may have."""

import asyncio
import secrets
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import datetime
from itertools import product

from mesh.errors import Conflict
from mesh.identity.principal import DEFAULT_WORKSPACE
from mesh.safety import Unsafe
from mesh.secrets import load_or_create
from mesh.settings import Settings
from services.user.accounts.domain import Role, new_account
from services.user.accounts.store import AccountStore
from services.user.passwords import Passwords


@dataclass(frozen=True, slots=True)
class Seed:
    """A user of development. The id is the same everywhere: it tells a seeded user, whatever became of the name."""

    id: str
    full_name: str
    role: Role


SEEDS = {
    "alice": Seed("00000000-0000-7000-8000-00000000a11c", "Alice Martin", Role.ADMIN),
    "bob": Seed("00000000-0000-7000-8000-000000000b0b", "Bob Rivera", Role.USER),
}


def seed_password(settings: Settings) -> str:
    """The password of all seeded users, made once: easy to type, 52 bits."""
    return load_or_create(settings.data / "seed-password", _pronounceable).decode()


async def seed(
    settings: Settings, accounts: AccountStore, passwords: Passwords, *, clock: Callable[[], datetime]
) -> None:
    """Makes the seeded users that are missing."""
    there = await accounts.find(DEFAULT_WORKSPACE, [seed.id for seed in SEEDS.values()])
    for username, seeded in SEEDS.items():
        if seeded.id in there or await accounts.credentials(DEFAULT_WORKSPACE, username) is not None:
            continue
        password_hash = await passwords.hash(await asyncio.to_thread(seed_password, settings))
        account = new_account(
            seeded.id,
            workspace_id=DEFAULT_WORKSPACE,
            username=username,
            email=f"{username}@example.com",
            full_name=seeded.full_name,
            now=clock(),
        )
        with suppress(Conflict):  # Another process was faster.
            await accounts.add(replace(account, role=seeded.role, is_verified=True), password_hash)


async def refuse_seeded(accounts: AccountStore) -> None:
    """Raises Unsafe when a seeded user is there, by whatever name. Who was erased is not."""
    found = await accounts.find(DEFAULT_WORKSPACE, [seed.id for seed in SEEDS.values()])
    there = [account.username for account in found.values() if account.erased_at is None]
    # Seeded before ids were the same everywhere; nobody else gets mail at that address.
    for username in SEEDS:
        known = await accounts.credentials(DEFAULT_WORKSPACE, f"{username}@example.com")
        there += [known.account.username] if known else []
    if there:
        raise Unsafe(
            f"CHAT_ENV=production, but the database has users of development, with a known password: "
            f"{', '.join(sorted(set(there)))}. Erase them with CHAT_ENV=dev, or set CHAT_SQL_URL or CHAT_DATA to "
            f"another database."
        )


def _pronounceable() -> bytes:
    syllables = ["".join(pair) for pair in product("bdfghjklmnprstvwyz", "aeiou")]
    return "-".join(secrets.choice(syllables) + secrets.choice(syllables) for _ in range(4)).encode()
