"""What mails say, and where their links lead."""

from datetime import UTC, datetime
from email import message_from_bytes, policy
from email.message import EmailMessage

import pytest

from services.user.accounts.domain import new_account
from services.user.mail.compose import SUBJECTS, Composer, Kind

NOW = datetime(2027, 1, 15, 8, 0, tzinfo=UTC)
TOKEN = "T" * 43
COMPOSER = Composer("https://chat.example.com/", "chat@example.com")
ANNA = new_account(
    "u-1", workspace_id="acme", username="anna", email="anna@example.com", full_name="<b>Anna</b> evil.example", now=NOW
)


def compose(kind: Kind, composer: Composer = COMPOSER) -> EmailMessage:
    mail = composer.compose(kind, ANNA, mail_id="m-1", to="anna@example.com", now=NOW, token=TOKEN)
    message = message_from_bytes(mail.content, policy=policy.default)
    assert isinstance(message, EmailMessage)
    return message


def bodies(kind: Kind) -> tuple[str, str]:
    """As text, and as HTML."""
    text, html = [compose(kind).get_body((form,)) for form in ("plain", "html")]
    assert text is not None
    assert html is not None
    return text.get_content(), html.get_content()


@pytest.mark.parametrize("kind", Kind)
def test_each_mail_has_a_head_and_two_bodies(kind: Kind) -> None:
    """From us, to one address, never answered by a machine."""
    message = compose(kind)
    assert (message["To"], message["Subject"]) == ("anna@example.com", SUBJECTS[kind])
    assert message["From"] == "Massive Scale Chat <chat@example.com>"
    assert message["Message-ID"] == "<m-1@example.com>"
    assert message["Auto-Submitted"] == "auto-generated"
    assert message["Date"].datetime == NOW
    for body in bodies(kind):
        assert "anna" in body


@pytest.mark.parametrize("kind", [Kind.VERIFY, Kind.RESET, Kind.UNLOCK])
def test_a_link_leads_to_the_public_address(kind: Kind) -> None:
    """With the token where no server sees it, once in the text and twice in the page."""
    link = f"https://chat.example.com/account/{kind}#token={TOKEN}"
    text, html = bodies(kind)
    assert (text.count(link), html.count(link)) == (1, 2)
    assert f'href="{link}"' in html


@pytest.mark.parametrize("kind", [Kind.EMAIL_CHANGED, Kind.PASSWORD_CHANGED])
def test_a_notice_carries_no_token(kind: Kind) -> None:
    """Nothing can be done by it; it says when."""
    for body in bodies(kind):
        assert TOKEN not in body
        assert "15 January 2027, 08:00 UTC" in body


@pytest.mark.parametrize("kind", Kind)
def test_nobody_sends_words_of_their_own(kind: Kind) -> None:
    """A full name can be anything: a mail to a stranger does not say it."""
    for body in bodies(kind):
        assert "evil.example" not in body


@pytest.mark.parametrize("kind", Kind)
def test_a_mail_loads_nothing(kind: Kind) -> None:
    """No picture, font or script from elsewhere tells when it is read."""
    _, html = bodies(kind)
    assert not [tag for tag in ("<img", "<script", "<link", "url(", "@import", "src=") if tag in html]


def test_an_address_cannot_add_a_head() -> None:
    """A line break in it is refused."""
    with pytest.raises(ValueError, match="CR or LF"):
        COMPOSER.compose(Kind.VERIFY, ANNA, mail_id="m-1", to="a@b.example\r\nBcc: x@y.example", now=NOW, token=TOKEN)
