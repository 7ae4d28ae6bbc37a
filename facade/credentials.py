"""Credentials have no place in an address: proxies log it, browsers remember it, pages pass it on."""

import re
from urllib.parse import parse_qsl

from starlette.types import Scope

from mesh.errors import Invalid

NAMES = frozenset(
    ("access_token", "api_key", "authorization", "id_token", "password", "refresh_token", "secret", "ticket", "token")
)
"""Of query parameters. `code` and `state`, by which an OpenID provider sends people back, are worthless alone."""
_SUSPECT = re.compile("|".join(("%", *sorted(NAMES))).encode(), re.IGNORECASE)
"""What has none of it names none of them, and need not be taken apart."""


def check_address(scope: Scope) -> None:
    """Raises Invalid (CREDENTIALS_IN_URL) for a query that names a credential, whatever its value."""
    query = scope["query_string"]
    if not _SUSPECT.search(query):
        return
    if any(name.lower() in NAMES for name, _ in parse_qsl(query.decode("latin-1"), keep_blank_values=True)):
        raise Invalid("CREDENTIALS_IN_URL", "Credentials belong into `Authorization`, or `auth` of a socket; not here.")
