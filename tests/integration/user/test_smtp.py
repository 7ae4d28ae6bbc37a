"""Mails by a real mail server, which does what mail servers do."""

import asyncio
import ssl
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from email.message import EmailMessage
from pathlib import Path
from typing import Any

import pytest
from aiosmtpd.smtp import SMTP, AuthResult, Envelope, Session

from services.user.mail.transport import Refused, open_transport
from services.user.mail.transport_dev import KeptToBeLookedAt
from services.user.mail.transport_smtp import SmtpTransport


class Mailbox:
    """Keeps what it is sent; answers RCPT as it is told, first come, first served."""

    def __init__(self, *answers: str) -> None:
        self.answers = list(answers)
        self.got: list[Envelope] = []
        self.logins: list[tuple[bytes, bytes]] = []

    async def handle_RCPT(
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        if self.answers and not self.answers[0].startswith("2"):
            return self.answers.pop(0)
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:
        if self.answers:
            return self.answers.pop(0).removeprefix("2")
        self.got.append(envelope)
        return "250 OK"

    def authenticate(self, server: SMTP, session: Session, envelope: Envelope, mechanism: str, data: Any) -> AuthResult:
        self.logins.append((data.login, data.password))
        is_right = data.password == b"p@ss word"
        return AuthResult(success=is_right, handled=is_right)


@asynccontextmanager
async def serving(make: Callable[[], asyncio.Protocol], **options: Any) -> AsyncIterator[str]:
    """Listens; yields host and port."""
    server = await asyncio.get_running_loop().create_server(make, "127.0.0.1", 0, **options)
    async with server:
        yield f"127.0.0.1:{server.sockets[0].getsockname()[1]}"


def smtp(mailbox: Mailbox, **options: Any) -> Callable[[], asyncio.Protocol]:
    return lambda: SMTP(mailbox, hostname="mail.test", loop=asyncio.get_running_loop(), **options)


def mail() -> EmailMessage:
    message = EmailMessage()
    message["From"], message["To"], message["Subject"] = "Chat <chat@example.com>", "anna@example.com", "Hällo"
    message.set_content("a link with ümlauts")
    return message


async def test_a_mail_arrives(caplog: pytest.LogCaptureFixture) -> None:
    """From whom and to whom it says."""
    mailbox = Mailbox()
    async with serving(smtp(mailbox)) as address:
        await open_transport(f"smtp://{address}").send(mail())
    [envelope] = mailbox.got
    assert (envelope.mail_from, envelope.rcpt_tos) == ("chat@example.com", ["anna@example.com"])
    assert isinstance(envelope.content, bytes)
    assert b"Auto" not in envelope.content
    assert b"anna@example.com" in envelope.content


@pytest.mark.parametrize("answer", ["450 mailbox busy", "421 going down", "2452 no space"])
async def test_what_may_be_tried_again(answer: str) -> None:
    """A refusal for now is an OSError; the next try succeeds."""
    mailbox = Mailbox(answer)
    async with serving(smtp(mailbox)) as address:
        transport = SmtpTransport(f"smtp://{address}")
        with pytest.raises(OSError, match=r"the mail server") as failure:
            await transport.send(mail())
        await transport.send(mail())
    assert "anna" not in str(failure.value)
    assert len(mailbox.got) == 1


@pytest.mark.parametrize("answer", ["550 no such user anna@example.com", "2554 spam"])
async def test_what_is_refused_for_good(answer: str) -> None:
    """By recipient or by content; the address stays out of the text."""
    async with serving(smtp(Mailbox(answer))) as address:
        with pytest.raises(Refused) as refusal:
            await SmtpTransport(f"smtp://{address}").send(mail())
    assert "anna" not in str(refusal.value)


class Silent(asyncio.Protocol):
    """Accepts, and never says anything."""


async def test_a_server_that_hangs_is_left() -> None:
    """After a while that is bounded."""
    async with serving(Silent) as address:
        with pytest.raises(OSError, match="the mail server"):
            await SmtpTransport(f"smtp://{address}", timeout_s=0.05).send(mail())
        with pytest.raises(TimeoutError):
            await SmtpTransport(f"smtp://{address}", timeout_s=60, conversation_s=0.05).send(mail())


async def test_a_server_that_is_not_there_may_come_back() -> None:
    """Nobody listens."""
    async with serving(Silent) as address:
        pass
    with pytest.raises(OSError, match="the mail server"):
        await SmtpTransport(f"smtp://{address}").send(mail())


async def test_logs_in_where_the_url_says_so() -> None:
    """With what is quoted in it; a wrong password may be put right, so the mail waits."""
    mailbox = Mailbox()
    options = {"authenticator": mailbox.authenticate, "auth_require_tls": False}
    async with serving(smtp(mailbox, **options)) as address:
        await SmtpTransport(f"smtp://chat:p%40ss%20word@{address}").send(mail())
        with pytest.raises(OSError, match="SMTPAuthenticationError"):
            await SmtpTransport(f"smtp://chat:wrong@{address}").send(mail())
    assert mailbox.logins[0] == (b"chat", b"p@ss word")
    assert len(mailbox.got) == 1


async def test_a_password_is_not_sent_in_the_clear_to_another_machine() -> None:
    """Somebody on the way may hide that the server can encrypt."""
    transport = SmtpTransport("smtp://chat:secret@mail.example.com")
    assert transport._start_tls is True
    assert SmtpTransport("smtp://mail.example.com")._start_tls is None
    assert SmtpTransport("smtp://chat:secret@localhost")._start_tls is None
    assert "secret" not in repr(transport)


@pytest.fixture
def certificate(tmp_path: Path) -> ssl.SSLContext:
    """Of a server that nobody vouches for."""
    from datetime import UTC, datetime, timedelta

    from cryptography import x509
    from cryptography.hazmat.primitives.asymmetric import ec
    from cryptography.hazmat.primitives.hashes import SHA256
    from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "mail.test")])
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .sign(key, SHA256())
    )
    pem = tmp_path / "mail.pem"
    private = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    pem.write_bytes(private + made.public_bytes(Encoding.PEM))
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(pem)
    return context


@pytest.mark.parametrize("scheme", ["smtp", "smtps"])
async def test_a_server_that_nobody_vouches_for_gets_no_mail(scheme: str, certificate: ssl.SSLContext) -> None:
    """Where it offers encryption, its certificate is looked at."""
    mailbox = Mailbox()
    make = smtp(mailbox, tls_context=certificate) if scheme == "smtp" else smtp(mailbox)
    options = {"ssl": certificate} if scheme == "smtps" else {}
    async with serving(make, **options) as address:
        with pytest.raises(OSError, match=r"(?i)certificate|the mail server"):
            await SmtpTransport(f"{scheme}://{address}").send(mail())
    assert mailbox.got == []


def test_a_transport_is_chosen_by_its_url() -> None:
    """None keeps mails to be looked at; what is not understood names the setting."""
    assert isinstance(open_transport(""), KeptToBeLookedAt)
    assert isinstance(open_transport("smtps://mail.example.com"), SmtpTransport)
    with pytest.raises(ValueError, match="CHAT_SMTP_URL"):
        open_transport("http://mail.example.com")
