"""Request and correlation ids: taken from the caller when they are sane, made when absent, carried everywhere."""

import re
from collections.abc import Callable

from uuid_utils import uuid7

METADATA_KEY = "x-correlation-id"
REQUEST_KEY = "x-request-id"
_SANE = re.compile(r"[A-Za-z0-9._:/+=@-]{1,128}")


def accept(offered: str | None, make: Callable[[], str] = lambda: str(uuid7())) -> str:
    """The offered id, or a new one when it is absent, too long or holds anything that could hurt a log line."""
    return offered if offered and _SANE.fullmatch(offered) else make()
