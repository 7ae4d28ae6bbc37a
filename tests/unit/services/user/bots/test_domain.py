"""What a bot is, and who manages it."""

from datetime import UTC, datetime

import pytest

from mesh.errors import Conflict, NotFound, WrongState
from mesh.identity.principal import Principal
from services.user.accounts.domain import Account, Kind, new_account
from services.user.bots.domain import MAX_BOTS, check_may_manage, check_quota, new_bot

NOW = datetime(2027, 1, 15, 8, 0, tzinfo=UTC)


def bot(username: str = "Robot") -> Account:
    return new_bot("b-1", workspace_id="default", owner_id="u-1", username=username, full_name=" ", now=NOW)


def test_a_bot_is_an_account_without_a_mail_address() -> None:
    """Of an owner, and with a name as others have."""
    assert (bot().kind, bot().owner_id, bot().email) == (Kind.BOT, "u-1", "")
    assert (bot().username, bot().full_name) == ("robot", "robot")


def test_names_that_are_kept_are_kept_from_bots_too() -> None:
    """As from everybody."""
    with pytest.raises(Conflict, match="USERNAME_TAKEN"):
        bot("deleted-1")


@pytest.mark.parametrize(("user_id", "role"), [("u-1", "user"), ("u-2", "admin")])
def test_its_owner_and_admins_manage_a_bot(user_id: str, role: str) -> None:
    """Admins of its workspace: the store finds no others."""
    check_may_manage(Principal(user_id, "s", role, 0), bot())


def test_to_others_there_is_no_bot() -> None:
    """Nor is a person one, even to an admin or to themselves."""
    person = new_account("u-1", workspace_id="default", username="anna", email="", full_name="", now=NOW)
    for user_id, role, account in (("u-2", "user", bot()), ("u-1", "admin", person), ("u-1", "user", None)):
        with pytest.raises(NotFound, match="USER_NOT_FOUND"):
            check_may_manage(Principal(user_id, "s", role, 0), account)


def test_a_person_has_so_many_bots_at_most() -> None:
    """The last one fits."""
    check_quota(MAX_BOTS - 1)
    with pytest.raises(WrongState, match="QUOTA_REACHED"):
        check_quota(MAX_BOTS)
