"""The port to where second factors are kept."""

from collections.abc import Sequence
from datetime import datetime
from typing import Protocol

from services.user.factors.domain import Factor


class FactorStore(Protocol):
    """Second factors, at most one of a user. A change is kept together with its note in the audit log, both or none."""

    async def get(self, workspace_id: str, user_id: str) -> Factor | None:
        """The factor of a user who has one."""
        ...

    async def add(
        self, workspace_id: str, user_id: str, secret: bytes, step: int, codes: Sequence[bytes], now: datetime
    ) -> None:
        """Keeps a factor with the hashes of its recovery codes. Raises WrongState (SECOND_FACTOR_ON)."""
        ...

    async def use_step(self, workspace_id: str, user_id: str, step: int) -> bool:
        """Marks a step as used. False when it, or a later one, was used already: of several at once one gets True."""
        ...

    async def use_code(self, workspace_id: str, user_id: str, code: bytes) -> bool:
        """Uses up a recovery code by its hash. False when there is none: of several at once one gets True."""
        ...

    async def replace_codes(self, workspace_id: str, user_id: str, codes: Sequence[bytes], now: datetime) -> None:
        """Puts new recovery codes in the place of all that are left. Raises WrongState (SECOND_FACTOR_OFF)."""
        ...

    async def remove(self, workspace_id: str, user_id: str, now: datetime) -> None:
        """Takes the factor and its codes away. Raises WrongState (SECOND_FACTOR_OFF)."""
        ...
