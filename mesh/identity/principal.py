"""The caller of a request, as far as its token proves it."""

from dataclasses import dataclass

DEFAULT_WORKSPACE = "default"
API_KEY_PREFIX = "ck_"
"""How API keys begin, by which they are told from access tokens."""


@dataclass(frozen=True, slots=True)
class Principal:
    """A user in a session, or a program with an API key. `expires_at` is in seconds since the epoch.

    `session_id` names what is revoked to end it: the session, or the API key. `scopes` is None for a session, which may
    do all that its user may.
    """

    user_id: str
    session_id: str
    role: str
    expires_at: float
    workspace_id: str = DEFAULT_WORKSPACE
    scopes: frozenset[str] | None = None

    @property
    def is_admin(self) -> bool:
        return self.role == "admin"
