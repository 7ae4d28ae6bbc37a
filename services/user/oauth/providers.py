"""The OpenID providers of an installation, as `CHAT_OIDC_PROVIDERS` names them."""

from collections.abc import Mapping
from typing import Annotated
from urllib.parse import urlsplit

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError, field_validator

_LOOPBACK = ("127.0.0.1", "localhost", "::1")


class ProviderSettings(BaseModel):
    """One provider. Ask it for a client whose redirect URI is `<public_url>/api/users/oauth/<name>/callback`."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    issuer: str = Field(max_length=255)
    client_id: str = Field(min_length=1)
    client_secret: str = Field(default="", repr=False)
    """Empty for a public client."""
    title: str = ""
    """As people call it; the name when empty."""

    @field_validator("issuer")
    @classmethod
    def _check_issuer(cls, issuer: str) -> str:
        parts = urlsplit(issuer)
        if parts.query or parts.fragment or not parts.hostname:
            raise ValueError("must be a URL without query and fragment")
        check_url(issuer)
        return issuer


_NAME = Annotated[str, Field(pattern="^[a-z0-9][a-z0-9-]{0,31}$")]
_ALL = TypeAdapter(dict[_NAME, ProviderSettings])


def read_providers(text: str) -> Mapping[str, ProviderSettings]:
    """The providers by name; JSON such as `{"corp": {"issuer": …, "client_id": …, "client_secret": …}}`.

    Raises ValueError, which says where it is wrong, and no secret.
    """
    if not text:
        return {}
    try:
        return _ALL.validate_json(text)
    except ValidationError as error:
        found = [f"{'.'.join(map(str, e['loc'])) or 'JSON'}: {e['msg']}" for e in error.errors(include_input=False)]
        raise ValueError(f"CHAT_OIDC_PROVIDERS: {'; '.join(found)}") from None


def check_url(url: str) -> str:
    """A URL that may be asked: by TLS, or on this machine. Raises ValueError."""
    parts = urlsplit(url)
    if parts.scheme != "https" and not (parts.scheme == "http" and parts.hostname in _LOOPBACK):
        raise ValueError("must begin with https://")
    return url
