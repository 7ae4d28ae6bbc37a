"""The question for a second factor that stands between a right password and a session."""

from datetime import datetime

from mesh.errors import Forbidden, Unauthenticated
from mesh.sealing import Sealer
from services.user.accounts.domain import Account
from services.user.factors.domain import matching_step, recovery_hash
from services.user.factors.store import FactorStore


class SecondFactorCheck:
    """Accepts a code of the authenticator or a recovery code; each is good once."""

    def __init__(self, store: FactorStore, sealer: Sealer) -> None:
        self._store = store
        self._sealer = sealer

    async def check(self, account: Account, code: str, now: datetime) -> None:
        """Passes who needs no code, or has a good one.

        Raises Unauthenticated (SECOND_FACTOR_REQUIRED), Forbidden (SECOND_FACTOR_INVALID).
        """
        factor = await self._store.get(account.workspace_id, account.id) if account.has_second_factor else None
        if factor is None:
            return
        if not code:
            raise Unauthenticated("SECOND_FACTOR_REQUIRED", "Log in again with a code of the authenticator beside it.")
        secret = self._sealer.open(factor.secret, account.id)
        step = matching_step(secret, code, now, factor.last_step)
        if step is not None:
            good = await self._store.use_step(account.workspace_id, account.id, step)
        else:
            good = await self._store.use_code(account.workspace_id, account.id, recovery_hash(account.id, code))
        if not good:
            raise wrong_code()


def wrong_code() -> Forbidden:
    return Forbidden("SECOND_FACTOR_INVALID", "The code is wrong, or was used before.")
