"""The caller of a request, as far as its token proves it."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Principal:
    """A user in a session. `expires_at` is the end of the token, in seconds since the epoch."""

    user_id: str
    session_id: str
    role: str
    expires_at: float

    @property
    def is_admin(self) -> bool:
        return self.role == "admin"
