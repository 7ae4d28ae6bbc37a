"""The transport of development: nothing leaves the machine. The outbox keeps mails, and `/dev/outbox` shows them."""

from collections.abc import Awaitable, Callable, Sequence
from email import message_from_bytes, policy
from email.message import EmailMessage
from typing import Any

from services.user.mail.domain import Mail

KEEP = 200
"""So many mails stay readable."""


class KeptToBeLookedAt:
    """Takes every mail, and does nothing with it."""

    async def send(self, message: EmailMessage) -> None:
        """Done: the outbox has it."""


def shown(kept: Callable[[], Awaitable[Sequence[Mail]]]) -> Callable[[], Awaitable[list[dict[str, Any]]]]:
    """What `/dev/outbox` asks for: the mails that `kept` gives, as plain values."""

    async def show() -> list[dict[str, Any]]:
        return [as_dict(mail) for mail in await kept()]

    return show


def as_dict(mail: Mail) -> dict[str, Any]:
    message = message_from_bytes(mail.content, policy=policy.default)
    assert isinstance(message, EmailMessage)
    return {
        "id": mail.id,
        "to": message["To"],
        "subject": message["Subject"],
        "created_at": mail.created_at.isoformat(),
        "text": _body(message, "plain"),
        "html": _body(message, "html"),
    }


def _body(message: EmailMessage, kind: str) -> str:
    part = message.get_body((kind,))
    return str(part.get_content()) if part is not None else ""
