"""The proof that the person in a session knows the password: asked for before what cannot be taken back."""

from mesh.call.context import caller
from services.user.accounts.domain import Account, Credentials
from services.user.accounts.store import AccountStore
from services.user.attempts.gate import Attempts
from services.user.credentials.domain import wrong_password
from services.user.passwords import Passwords


class OwnerProof:
    """A session that was stolen is not enough, and guessing in it is slowed down as at log-in."""

    def __init__(self, accounts: AccountStore, passwords: Passwords, attempts: Attempts) -> None:
        self._accounts = accounts
        self._passwords = passwords
        self._attempts = attempts

    async def __call__(self, password: str) -> Account:
        """The caller's account. Raises Forbidden (PASSWORD_WRONG), Exhausted (RATE_LIMITED, LOGIN_LOCKED)."""
        return (await self.credentials(password)).account

    async def credentials(self, password: str) -> Credentials:
        """The same with the hash that the password was compared with."""
        workspace_id, user_id = caller().workspace_id, caller().user_id
        await self._attempts.check_proof(workspace_id, user_id)
        known = await self._accounts.credentials_of(workspace_id, user_id)
        fits = await self._passwords.verify(password, known.password_hash if known else None)
        if known is None or not fits or not known.account.is_active:
            await self._attempts.proof_failed(workspace_id, user_id)
            raise wrong_password()
        await self._attempts.proof_succeeded(workspace_id, user_id)
        return known
