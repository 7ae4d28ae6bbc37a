"""Proves by password, and by a code where one is asked for, who logs in."""

from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import datetime

from mesh.audit.entry import Entry, entry
from mesh.errors import Error, Forbidden, Unauthenticated
from services.user.accounts.domain import Credentials
from services.user.accounts.store import AccountStore
from services.user.passwords import Passwords
from services.user.sessions.gate import LoginGate, SecondFactor


class LoginProof:
    """One way for names that somebody has and names that nobody has: same answer, same time.

    `refuse` notes what was refused after it was looked at.
    """

    def __init__(
        self,
        accounts: AccountStore,
        passwords: Passwords,
        gate: LoginGate,
        factor: SecondFactor,
        refuse: Callable[[Entry], Awaitable[None]],
    ) -> None:
        self._accounts = accounts
        self._passwords = passwords
        self._gate = gate
        self._factor = factor
        self._refuse = refuse

    async def prove(self, workspace_id: str, login: str, password: str, code: str, now: datetime) -> Credentials:
        """The active account of `login`, with the hash that its password has now.

        Raises Unauthenticated (INVALID_CREDENTIALS, SECOND_FACTOR_REQUIRED), Forbidden (SECOND_FACTOR_INVALID), and
        what the gate does.
        """
        await self._gate.check(workspace_id, login)
        known = await self._accounts.credentials(workspace_id, login)
        try:
            proven = await self._check(known, password, code, now)
        except (Unauthenticated, Forbidden) as error:
            account = known.account if known else None
            if error.reason != "SECOND_FACTOR_REQUIRED":
                await self._gate.failed(workspace_id, login, account)
            subject_id = account.id if account else ""
            await self._refuse(
                entry("session.refused", at=now, subject_id=subject_id, workspace_id=workspace_id, result=error.reason)
            )
            raise
        await self._gate.succeeded(workspace_id, login)
        return await self._with_fresh_hash(proven, password)

    async def _check(self, known: Credentials | None, password: str, code: str, now: datetime) -> Credentials:
        fits = await self._passwords.verify(password, known.password_hash if known else None)
        if known is None or not fits or not known.account.is_active:
            raise invalid_credentials()
        await self._factor.check(known.account, code, now)
        return known

    async def _with_fresh_hash(self, known: Credentials, password: str) -> Credentials:
        if not self._passwords.is_outdated(known.password_hash):
            return known
        renewed = await self._passwords.hash(password)
        await self._accounts.replace_password_hash(known.account.id, known.password_hash, renewed)
        return replace(known, password_hash=renewed)


def invalid_credentials() -> Error:
    return Unauthenticated("INVALID_CREDENTIALS", "The name or the password is wrong.")
