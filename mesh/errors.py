"""The errors that callers may see. Anything else that is raised becomes INTERNAL, without its text.

    Error
    ├── Invalid          the request breaks a rule              INVALID_ARGUMENT     400
    ├── Unauthenticated  no valid token                         UNAUTHENTICATED      401
    ├── Forbidden        a valid token that is not enough       PERMISSION_DENIED    403
    ├── NotFound         not there, or not for this caller      NOT_FOUND            404
    ├── Conflict         somebody else was first                ALREADY_EXISTS       409
    ├── WrongState       not in the state that it needs         FAILED_PRECONDITION  409
    ├── Stale            changed since it was read              ABORTED              412
    ├── Exhausted        a limit is reached                     RESOURCE_EXHAUSTED   429
    ├── Cancelled        the caller gave up                     CANCELLED            499
    ├── Internal         a fault of ours                        INTERNAL             500
    ├── Unimplemented    not a method of this server            UNIMPLEMENTED        501
    ├── Unavailable      try again                              UNAVAILABLE          503
    └── Deadline         out of time                            DEADLINE_EXCEEDED    504

The reasons are listed in proto/chat/common/v1/reason.proto; a test compares.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar


@dataclass(frozen=True, slots=True)
class Violation:
    """One broken rule. `field` is a path such as `items[2].name`, empty for the whole request."""

    field: str
    code: str
    detail: str


@dataclass(frozen=True, slots=True)
class Limit:
    """The rate limit that was reached: the policy by its name, and whom or what it counts by."""

    policy: str
    scope: str


class Error(Exception):
    """Something the caller should know: a stable `reason` for programs and a `message` for people."""

    code: ClassVar[str]
    http_status: ClassVar[int]
    retryable: ClassVar[bool] = False

    def __init__(
        self,
        reason: str,
        message: str,
        *,
        violations: Sequence[Violation] = (),
        retry_after_s: float | None = None,
        metadata: Mapping[str, str] | None = None,
        limit: Limit | None = None,
    ) -> None:
        super().__init__(reason, message)
        self.reason = reason
        self.message = message
        self.violations = tuple(violations)
        self.retry_after_s = retry_after_s
        self.metadata = dict(metadata or {})
        self.limit = limit

    def __str__(self) -> str:
        return f"{self.reason}: {self.message}"


class Invalid(Error):
    code, http_status = "INVALID_ARGUMENT", 400


class Unauthenticated(Error):
    code, http_status = "UNAUTHENTICATED", 401


class Forbidden(Error):
    code, http_status = "PERMISSION_DENIED", 403


class NotFound(Error):
    code, http_status = "NOT_FOUND", 404


class Conflict(Error):
    code, http_status = "ALREADY_EXISTS", 409


class WrongState(Error):
    code, http_status = "FAILED_PRECONDITION", 409


class Stale(Error):
    code, http_status = "ABORTED", 412


class Exhausted(Error):
    code, http_status, retryable = "RESOURCE_EXHAUSTED", 429, True


class Cancelled(Error):
    code, http_status = "CANCELLED", 499


class Internal(Error):
    code, http_status = "INTERNAL", 500


class Unimplemented(Error):
    code, http_status = "UNIMPLEMENTED", 501


class Unavailable(Error):
    code, http_status, retryable = "UNAVAILABLE", 503, True


class Deadline(Error):
    code, http_status, retryable = "DEADLINE_EXCEEDED", 504, True


def draining(retry_after_s: float | None = None) -> Unavailable:
    """Why nothing new begins, and what is open ends, while a process is about to stop."""
    return Unavailable("DRAINING", "This server is shutting down; another one takes over.", retry_after_s=retry_after_s)


BY_CODE: Mapping[str, type[Error]] = {kind.code: kind for kind in Error.__subclasses__()}
