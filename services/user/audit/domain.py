"""What an admin looks for in the audit log of the workspace."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Search:
    """Entries of a workspace: of one action, of what one user did or what was done to them; of all when empty."""

    workspace_id: str
    action: str = ""
    user_id: str = ""

    def __str__(self) -> str:
        """Names the list of what is found, which cursors are bound to."""
        return f"ListAudit:{self.workspace_id}:{self.action}:{self.user_id}"
