"""The gate before passwords are looked at: who has failed too often waits outside, which costs next to nothing."""

from collections.abc import Callable
from datetime import datetime

from services.user.accounts.domain import Account
from services.user.attempts.domain import Subject, key_of, refuse_while_blocked
from services.user.attempts.store import AttemptStore


class Attempts:
    """Asked before a password is looked at, told afterwards. What exists and what does not is treated alike."""

    def __init__(self, store: AttemptStore, *, clock: Callable[[], datetime]) -> None:
        self._store = store
        self._clock = clock

    async def check(self, workspace_id: str, login: str) -> None:
        """Raises Exhausted (RATE_LIMITED, LOGIN_LOCKED) while log-ins by this name are not looked at."""
        refuse_while_blocked(await self._store.get(key_of(Subject.LOGIN, workspace_id, login)), self._clock())

    async def failed(self, workspace_id: str, login: str, account: Account | None) -> None:
        """Counts a failure; `account` is the one whose name it is, if there is one."""
        now = self._clock()
        failures = await self._store.fail(key_of(Subject.LOGIN, workspace_id, login), now)
        if failures.is_lock:
            await self._store.lock(account, workspace_id, now)

    async def succeeded(self, workspace_id: str, login: str) -> None:
        """Forgets the failures of a name."""
        await self._clear(key_of(Subject.LOGIN, workspace_id, login))

    async def check_proof(self, workspace_id: str, user_id: str, of: Subject = Subject.PROOF) -> None:
        """Raises Exhausted (RATE_LIMITED, LOGIN_LOCKED) while a user cannot prove the password, or a code."""
        refuse_while_blocked(await self._store.get(key_of(of, workspace_id, user_id)), self._clock())

    async def proof_failed(self, workspace_id: str, user_id: str, of: Subject = Subject.PROOF) -> None:
        await self._store.fail(key_of(of, workspace_id, user_id), self._clock())

    async def proof_succeeded(self, workspace_id: str, user_id: str, of: Subject = Subject.PROOF) -> None:
        await self._clear(key_of(of, workspace_id, user_id))

    async def _clear(self, key: bytes) -> None:
        if await self._store.get(key) is not None:  # Most who log in have not failed: that needs no write.
            await self._store.clear([key])
