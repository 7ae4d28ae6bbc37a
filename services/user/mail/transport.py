"""The port to whatever takes mails away, and how one is chosen by URL."""

from email.message import EmailMessage
from typing import Protocol
from urllib.parse import urlsplit


class Refused(Exception):
    """The mail server will never take this mail: trying again is of no use."""


class Transport(Protocol):
    """Takes one mail at a time."""

    async def send(self, message: EmailMessage) -> None:
        """Returns once the mail is somebody else's to deliver. Raises Refused; OSError when it may be tried again."""
        ...


def open_transport(url: str) -> Transport:
    """The transport for `url`; without one, mails are only kept to be looked at. Raises ValueError."""
    # Imported only when chosen: who runs without a mail server needs no client of one.
    match urlsplit(url).scheme:
        case "":
            from services.user.mail.transport_dev import KeptToBeLookedAt

            return KeptToBeLookedAt()
        case "smtp" | "smtps":
            from services.user.mail.transport_smtp import SmtpTransport

            return SmtpTransport(url)
        case scheme:
            raise ValueError(f"CHAT_SMTP_URL begins with {scheme}://, and is understood with smtp:// or smtps://")
