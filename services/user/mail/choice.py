"""What the settings say of mails."""

from mesh.settings import Settings
from services.user.mail.compose import Composer
from services.user.mail.transport import Transport, open_transport


def choose_mail(settings: Settings) -> tuple[Transport, Composer]:
    """Who takes mails away, and who writes them. Raises ValueError, which names the setting."""
    try:
        composer = Composer(settings.public_url or f"http://{settings.http}", settings.mail_from)
    except Exception as error:  # The parser of addresses has errors of its own, and raises others by accident.
        raise ValueError(f"CHAT_MAIL_FROM={settings.mail_from} is not a mail address: {error}") from None
    return open_transport(settings.smtp_url), composer
