"""The two users that a development installation starts with."""

import asyncio
import secrets
from collections.abc import Callable
from contextlib import suppress
from datetime import datetime
from itertools import product

from mesh.errors import Conflict
from mesh.identity.principal import DEFAULT_WORKSPACE
from mesh.secrets import load_or_create
from mesh.settings import Settings
from services.user.accounts.domain import new_account
from services.user.accounts.store import AccountStore
from services.user.passwords import Passwords

SEEDS = {"alice": "Alice Martin", "bob": "Bob Rivera"}


def seed_password(settings: Settings) -> str:
    """The password of all seeded users, made once: easy to type, 52 bits."""
    return load_or_create(settings.data / "seed-password", _pronounceable).decode()


async def seed(
    settings: Settings,
    accounts: AccountStore,
    passwords: Passwords,
    *,
    clock: Callable[[], datetime],
    ids: Callable[[], str],
) -> None:
    """Makes the seeded users that are missing."""
    for username, full_name in SEEDS.items():
        if await accounts.credentials(DEFAULT_WORKSPACE, username) is not None:
            continue
        password_hash = await passwords.hash(await asyncio.to_thread(seed_password, settings))
        account = new_account(
            ids(),
            workspace_id=DEFAULT_WORKSPACE,
            username=username,
            email=f"{username}@example.com",
            full_name=full_name,
            now=clock(),
        )
        with suppress(Conflict):  # Another process was faster.
            await accounts.add(account, password_hash)


def _pronounceable() -> bytes:
    syllables = ["".join(pair) for pair in product("bdfghjklmnprstvwyz", "aeiou")]
    return "-".join(secrets.choice(syllables) + secrets.choice(syllables) for _ in range(4)).encode()
