"""What the audit log holds: who did what to whom, from where and with which result."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from mesh.call.context import current
from mesh.telemetry.tracing import trace_id

OK = "ok"
MAX_DETAIL = 500
"""Longest text of a detail; what is longer is cut."""
_MAX_ADDRESS = 45


@dataclass(frozen=True, slots=True)
class Entry:
    """One thing that was done, or refused: then `result` is the reason. Never a secret, a text or a mail address.

    `workspace_id` is empty for what concerns the whole installation, `actor_id` when nobody is known.
    """

    action: str
    at: datetime
    workspace_id: str = ""
    actor_id: str = ""
    subject_id: str = ""
    result: str = OK
    address: str = ""
    trace_id: str = ""
    detail: Mapping[str, str] = field(default_factory=dict)


def entry(
    action: str,
    /,
    *,
    at: datetime,
    subject_id: str = "",
    result: str = OK,
    actor_id: str | None = None,
    workspace_id: str | None = None,
    **detail: str,
) -> Entry:
    """An entry on the request being served. Make it before a unit of work starts: its thread knows no request."""
    context = current()
    principal = context.principal
    if principal is not None:
        actor_id = principal.user_id if actor_id is None else actor_id
        workspace_id = principal.workspace_id if workspace_id is None else workspace_id
        if principal.scopes is not None:
            detail = {"api_key": principal.session_id, **detail}
    return Entry(
        action=action,
        at=at,
        workspace_id=workspace_id or "",
        actor_id=actor_id or "",
        subject_id=subject_id,
        result=result,
        address=context.address[:_MAX_ADDRESS],
        trace_id=trace_id(),
        detail={name: text[:MAX_DETAIL] for name, text in detail.items()},
    )
