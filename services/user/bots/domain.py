"""What a bot is, and who may do something to it."""

from dataclasses import replace
from datetime import datetime

from mesh.errors import Error, NotFound, WrongState
from mesh.identity.principal import Principal
from services.user.accounts.domain import Account, Kind, new_account

MAX_BOTS = 20
"""Of one person."""


def new_bot(
    account_id: str, *, workspace_id: str, owner_id: str, username: str, full_name: str, now: datetime
) -> Account:
    """The account of a bot. Raises Conflict (USERNAME_TAKEN) for names that are kept."""
    account = new_account(
        account_id, workspace_id=workspace_id, username=username, email="", full_name=full_name, now=now
    )
    return replace(account, kind=Kind.BOT, owner_id=owner_id)


def check_may_manage(who: Principal, bot: Account | None) -> None:
    """Passes the owner of a bot, and admins. To others it is no bot: raises NotFound (USER_NOT_FOUND)."""
    if bot is None or bot.kind != Kind.BOT or not (bot.owner_id == who.user_id or who.is_admin):
        raise no_bot()


def check_quota(there: int) -> None:
    """Raises WrongState (QUOTA_REACHED)."""
    if there >= MAX_BOTS:
        raise WrongState("QUOTA_REACHED", f"You have {MAX_BOTS} bots already. Delete one first.")


def no_bot() -> Error:
    return NotFound("USER_NOT_FOUND", "There is no such bot.")
