"""The port to an OpenID provider."""

from typing import Protocol

from services.user.oauth.domain import Attempt, Who


class Provider(Protocol):
    """Proves who somebody is. What it answers is not believed before it is checked."""

    @property
    def title(self) -> str:
        """As people call it."""
        ...

    async def authorization_url(self, attempt: Attempt, redirect_uri: str) -> str:
        """Where to send the browser. Raises Unavailable when the provider does not answer."""
        ...

    async def identify(self, attempt: Attempt, code: str, issuer: str, redirect_uri: str) -> Who:
        """Whom the provider has proven by `code`, which is good once. `issuer` is who it says it is, if it does.

        Raises Unauthenticated (PROVIDER_REFUSED), Unavailable.
        """
        ...
