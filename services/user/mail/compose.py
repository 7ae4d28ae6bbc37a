"""Writes mails: what each kind says stands in `templates/`, as text and as HTML.

Of what people type only the username comes in, whose letters are few: nobody sends words of their own by our mails.
"""

from datetime import datetime
from email.headerregistry import Address
from email.message import EmailMessage
from enum import StrEnum
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from services.user.accounts.domain import Account
from services.user.mail.domain import Mail

TEMPLATES = Path(__file__).parent / "templates"
PRODUCT = "Massive Scale Chat"


class Kind(StrEnum):
    """What a mail is about; its templates are named so."""

    VERIFY = "verify"
    RESET = "reset"
    UNLOCK = "unlock"
    EMAIL_CHANGED = "email_changed"
    PASSWORD_CHANGED = "password_changed"  # noqa: S105  (no password: a name)


SUBJECTS = {
    Kind.VERIFY: "Confirm your mail address",
    Kind.RESET: "Set a new password",
    Kind.UNLOCK: "Too many failed log-ins to your account",
    Kind.EMAIL_CHANGED: "The mail address of your account was changed",
    Kind.PASSWORD_CHANGED: "Your password was changed",
}


class Composer:
    """Mails of one installation. Links lead to `public_url`, whatever address a request came in by."""

    def __init__(self, public_url: str, sender: str) -> None:
        self._public_url = public_url.rstrip("/")
        self._sender = Address(PRODUCT, addr_spec=sender)
        loader = FileSystemLoader(TEMPLATES)
        self._text = Environment(loader=loader, undefined=StrictUndefined, keep_trailing_newline=True)  # noqa: S701
        self._html = Environment(loader=loader, undefined=StrictUndefined, autoescape=True)

    def compose(self, kind: Kind, account: Account, *, mail_id: str, to: str, now: datetime, token: str = "") -> Mail:
        """A mail to `to` about an account. `token` is what its link carries, where no server sees it: behind a `#`."""
        values = {
            "product": PRODUCT,
            "subject": SUBJECTS[kind],
            "username": account.username,
            "workspace": account.workspace_id,
            "home": self._public_url,
            "link": f"{self._public_url}/account/{kind}#token={token}",
            "at": now.strftime("%d %B %Y, %H:%M UTC"),
        }
        message = EmailMessage()
        message["From"] = self._sender
        message["To"] = Address(addr_spec=to)
        message["Subject"] = SUBJECTS[kind]
        message["Date"] = now
        message["Message-ID"] = f"<{mail_id}@{self._sender.domain}>"
        message["Auto-Submitted"] = "auto-generated"  # No answering machine answers it (RFC 3834).
        message.set_content(self._text.get_template(f"{kind}.txt").render(values))
        message.add_alternative(self._html.get_template(f"{kind}.html").render(values), subtype="html")
        return Mail(mail_id, account.workspace_id, account.id, message.as_bytes(), now)
