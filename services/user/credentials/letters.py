"""Writes the letters that carry links, and the notices that carry none."""

from collections.abc import Callable
from datetime import datetime

from services.user.accounts.domain import Account, Credentials, new_account
from services.user.credentials.domain import (
    LIFETIMES,
    Letter,
    Link,
    Purpose,
    bound_to_address,
    bound_to_password,
    new_token,
    token_hash,
)
from services.user.mail.compose import Composer, Kind
from services.user.mail.domain import Mail

_KINDS = {
    Purpose.VERIFY: Kind.VERIFY,
    Purpose.EMAIL: Kind.VERIFY,
    Purpose.RESET: Kind.RESET,
    Purpose.UNLOCK: Kind.UNLOCK,
}


class Letters:
    """`random` gives bytes that nobody can guess, `ids` the ids of mails."""

    def __init__(self, composer: Composer, *, random: Callable[[int], bytes], ids: Callable[[], str]) -> None:
        self._composer = composer
        self._random = random
        self._ids = ids

    def verify(self, account: Account, now: datetime) -> Letter:
        """Proves the present mail address."""
        return self._write(Purpose.VERIFY, account, account.email, bound_to_address(account.email), now)

    def change_email(self, account: Account, email: str, now: datetime) -> Letter:
        """Proves another mail address, which takes the place of the present one."""
        return self._write(Purpose.EMAIL, account, email, bound_to_address(account.email), now)

    def reset(self, known: Credentials, now: datetime) -> Letter:
        """Sets another password."""
        return self._write(
            Purpose.RESET, known.account, known.account.email, bound_to_password(known.password_hash), now
        )

    def unlock(self, account: Account, now: datetime) -> Letter:
        """Lets the owner log in again."""
        return self._write(Purpose.UNLOCK, account, account.email, b"", now)

    def notice(self, kind: Kind, account: Account, to: str, now: datetime) -> Mail:
        """Tells of a change, without a link."""
        return self._composer.compose(kind, account, mail_id=self._ids(), to=to, now=now)

    def _write(self, purpose: Purpose, account: Account, to: str, bound_to: bytes, now: datetime) -> Letter:
        token = new_token(self._random)
        link = Link(
            hash=token_hash(token),
            workspace_id=account.workspace_id,
            user_id=account.id,
            purpose=purpose,
            bound_to=bound_to,
            email=to,
            expires_at=now + LIFETIMES[purpose],
        )
        mail = self._composer.compose(_KINDS[purpose], account, mail_id=self._ids(), to=to, now=now, token=token)
        return Letter(link, mail)


def nobody(workspace_id: str, now: datetime) -> Account:
    """Whom a letter is written to that nobody gets, so that writing it takes as long."""
    return new_account(
        "", workspace_id=workspace_id, username="nobody", email="nobody@localhost", full_name="", now=now
    )
