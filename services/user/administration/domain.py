"""What may be done to whom."""

from dataclasses import replace

from mesh.errors import WrongState
from services.user.accounts.domain import Account, Role


def suspended(account: Account) -> Account:
    return replace(_there(account), is_active=False)


def reactivated(account: Account) -> Account:
    return replace(_there(account), is_active=True)


def with_role(account: Account, role: Role) -> Account:
    return replace(_there(account), role=role)


def _there(account: Account) -> Account:
    """The account, when it was not erased. Raises WrongState (USER_ERASED)."""
    if account.erased_at is not None:
        raise WrongState("USER_ERASED", "The user was erased, which cannot be undone.")
    return account
