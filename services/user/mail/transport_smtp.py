"""Mails by SMTP: `smtp://[user:password@]host[:port]`, encrypted where the server offers it, or `smtps://…`."""

import asyncio
from email.message import EmailMessage
from ipaddress import ip_address
from urllib.parse import unquote, urlsplit

import aiosmtplib

from services.user.mail.transport import Refused

TIMEOUT_S = 10.0
"""For each step of the conversation."""
CONVERSATION_S = 30.0
PORTS = {"smtp": 587, "smtps": 465}


class SmtpTransport:
    """Opens a connection for each mail. A password is only sent encrypted, or to this machine."""

    def __init__(self, url: str, *, timeout_s: float = TIMEOUT_S, conversation_s: float = CONVERSATION_S) -> None:
        parts = urlsplit(url)
        self._host = parts.hostname or "localhost"
        self._port = parts.port or PORTS[parts.scheme]
        self._user = unquote(parts.username) if parts.username else None
        self._password = unquote(parts.password) if parts.password else None
        self._tls = parts.scheme == "smtps"
        # None: STARTTLS where it is offered. Somebody on the way could hide the offer, and read a password.
        self._start_tls = True if self._user and not self._tls and not _is_loopback(self._host) else None
        self._timeout_s = timeout_s
        self._conversation_s = conversation_s

    async def send(self, message: EmailMessage) -> None:
        try:
            async with asyncio.timeout(self._conversation_s):
                await aiosmtplib.send(
                    message,
                    hostname=self._host,
                    port=self._port,
                    username=self._user,
                    password=self._password,
                    use_tls=self._tls,
                    start_tls=self._start_tls,
                    local_hostname=message["From"].addresses[0].domain,  # Else the name server is asked, and may hang.
                    timeout=self._timeout_s,
                )
        # What the server said may name the recipient: it stays out of logs.
        except aiosmtplib.SMTPRecipientsRefused as error:
            raise _refusal(error.recipients[0]) from None
        except (aiosmtplib.SMTPSenderRefused, aiosmtplib.SMTPDataError) as error:
            raise _refusal(error) from None
        except aiosmtplib.SMTPException as error:
            raise ConnectionError(f"the mail server does not take mails now: {type(error).__name__}") from None


def _refusal(error: aiosmtplib.SMTPResponseException) -> Exception:
    """A refusal for good begins with 5 (RFC 5321, 4.2.1)."""
    kind = Refused if error.code >= 500 else ConnectionError
    return kind(f"the mail server answered {error.code}: {type(error).__name__}")


def _is_loopback(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
