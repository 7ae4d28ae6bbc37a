"""What belongs to the request being served: bound once where it enters, read anywhere below."""

import time
from contextvars import ContextVar
from dataclasses import dataclass

from mesh.errors import Unauthenticated
from mesh.identity.principal import Principal


@dataclass(frozen=True, slots=True)
class RequestContext:
    """One request. `deadline` is on the monotonic clock, in seconds; None means that it has none.

    `request_id` names what came in at the edge, made there for each; `correlation_id` what the caller calls it.
    `address` is the network address of the client at the edge, as far as it is known. `is_mesh` is true when the caller
    has proven to be a process of the installation. `is_counted` is true once a rate limit has counted the request: what
    is called in turn to serve it is not counted again. `is_nested` is true for what is called in turn to serve a call
    that was admitted: the scopes of an API key were looked at there.
    """

    request_id: str = ""
    correlation_id: str = ""
    principal: Principal | None = None
    token: str = ""
    deadline: float | None = None
    address: str = ""
    is_mesh: bool = False
    is_counted: bool = False
    is_nested: bool = False

    def remaining_s(self) -> float | None:
        """Seconds until the deadline, possibly negative."""
        return None if self.deadline is None else self.deadline - time.monotonic()


_NONE = RequestContext()
_current: ContextVar[RequestContext] = ContextVar("request", default=_NONE)
bind = _current.set
unbind = _current.reset


def current() -> RequestContext:
    """The request being served; an empty one outside of any."""
    return _current.get()


def caller() -> Principal:
    """Who calls. Raises Unauthenticated (TOKEN_MISSING) when nobody is known."""
    principal = _current.get().principal
    if principal is None:
        raise Unauthenticated("TOKEN_MISSING", "This call needs an access token.")
    return principal
