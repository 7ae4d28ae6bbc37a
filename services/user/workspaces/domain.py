"""What a workspace is."""

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True)
class Workspace:
    """`id` never changes; `name` is shown."""

    id: str
    name: str
    created_at: datetime


def new_workspace(workspace_id: str, name: str, now: datetime) -> Workspace:
    """A workspace that is being made. Without a name its id is shown."""
    return Workspace(workspace_id, name.strip() or workspace_id, now)
