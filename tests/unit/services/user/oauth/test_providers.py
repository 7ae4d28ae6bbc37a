"""The setting that names the OpenID providers."""

import pytest

from services.user.oauth.providers import check_url, read_providers

SECRET = "hush-hush"


def test_providers_are_read_in_their_order() -> None:
    """With or without what may be left out."""
    found = read_providers(
        '{"corp": {"issuer": "https://id.example.com/a/", "client_id": "chat", "client_secret": "hush-hush"},'
        ' "dev": {"issuer": "http://127.0.0.1:9/", "client_id": "c", "title": "Dev"}}'
    )
    assert list(found) == ["corp", "dev"]
    assert (found["corp"].issuer, found["corp"].title, found["dev"].client_secret) == (
        "https://id.example.com/a/",
        "",
        "",
    )
    assert SECRET not in repr(found)
    assert read_providers("") == {}


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (SECRET, "JSON"),
        (f'{{"corp": "{SECRET}"}}', "corp"),
        (f'{{"corp": {{"issuer": "https://a.de", "client_secret": "{SECRET}"}}}}', "corp.client_id"),
        (f'{{"Corp": {{"issuer": "https://a.de", "client_id": "c", "client_secret": "{SECRET}"}}}}', "Corp"),
        (f'{{"corp": {{"issuer": "http://a.de", "client_id": "c", "client_secret": "{SECRET}"}}}}', "https://"),
        (f'{{"corp": {{"issuer": "https://a.de?x", "client_id": "c", "client_secret": "{SECRET}"}}}}', "corp.issuer"),
        (f'{{"corp": {{"issuer": "a.de", "client_id": "c", "client_secret": "{SECRET}"}}}}', "corp.issuer"),
        (f'{{"corp": {{"issuer": "https://a.de", "client_id": "c", "secret": "{SECRET}"}}}}', "corp.secret"),
    ],
)
def test_a_mistake_is_told_by_its_place(text: str, said: str) -> None:
    """Without the secrets that stand around it."""
    with pytest.raises(ValueError, match="CHAT_OIDC_PROVIDERS") as raised:
        read_providers(text)
    assert said in str(raised.value)
    assert SECRET not in str(raised.value)


@pytest.mark.parametrize(
    "url", ["http://example.com", "http://127.0.0.1.evil.test", "ftp://a", "file:///etc", "", "//a"]
)
def test_what_is_asked_is_asked_by_tls(url: str) -> None:
    """But for what runs on this machine."""
    with pytest.raises(ValueError, match="https"):
        check_url(url)
    for fine in ("https://example.com/x", "http://127.0.0.1:8000/x", "http://localhost", "http://[::1]:1/"):
        assert check_url(fine) == fine
