"""Credentials have no place in an address: proxies log it, browsers remember it, pages pass it on."""

from urllib.parse import parse_qsl

from starlette.types import Scope

from mesh.errors import Invalid

NAMES = frozenset(
    ("access_token", "api_key", "authorization", "id_token", "password", "refresh_token", "secret", "ticket", "token")
)
"""Of query parameters. `code` and `state`, by which an OpenID provider sends people back, are worthless alone."""


def check_address(scope: Scope) -> None:
    """Raises Invalid (CREDENTIALS_IN_URL) for a query that names a credential, whatever its value."""
    query = scope["query_string"]
    if query and any(name.lower() in NAMES for name, _ in parse_qsl(query.decode("latin-1"), keep_blank_values=True)):
        raise Invalid("CREDENTIALS_IN_URL", "Credentials belong into `Authorization`, or `auth` of a socket; not here.")
