"""The port to where signing keys are kept."""

from typing import Protocol

from services.user.keys.domain import KeySet


class KeyStore(Protocol):
    """Signing keys. They outlive the process: a restart must not end everybody's session."""

    async def load(self) -> KeySet:
        """The keys, at least one of them. It is made when there is none; processes that start together get the same."""
        ...
