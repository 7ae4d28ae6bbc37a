"""The table of limits: what each rate class of the contracts allows by default, and whom or what it counts by.

Scopes: `user` counts a person, or an API key, that a token proves; `address` counts who has none by network address;
any other counts what the method's `rate_field` names, within its workspace. `CHAT_LIMITS` overrides (overrides.py).
"""

from collections.abc import Mapping
from dataclasses import replace

from chat.mesh.v1 import options_pb2
from mesh.limits.limiter import SECOND_NS, Policy

USER, ADDRESS, ACCOUNT, CONVERSATION = "user", "address", "account", "conversation"
TOKEN = "token"  # noqa: S105
EDGE = "edge"
"""What the facade counts before it knows what is asked for: every HTTP request, every socket and each of its events."""
NEVER_OFF = ("login", "register", "reset")
"""What guards passwords and mailboxes."""

_NAMES: Mapping[int, str] = {number: name for name, number in options_pb2.RateClass.items()}

Classes = Mapping[str, Mapping[str, Policy]]
"""By class and scope. A scope that is missing is not limited."""


def defaults() -> Classes:
    """What holds where nothing else is set: by scope, calls at once, then calls in so many seconds."""
    return {
        EDGE: _class(EDGE, user=(200, 50, 1), address=(400, 100, 1)),
        # A password is tried ten times, then once in ten seconds. An address may be that of a whole office.
        "login": _class("login", account=(10, 1, 10), address=(30, 1, 1)),
        "register": _class("register", address=(50, 1, 10)),
        # Mails to one mailbox; and the links in them, which are not to be guessed.
        "reset": _class("reset", account=(5, 1, 60), address=(20, 1, 10)),
        TOKEN: _class(TOKEN, user=(60, 1, 1), address=(300, 20, 1)),
        "send": _class("send", user=(50, 10, 1), conversation=(100, 30, 1), address=(20, 1, 1)),
        "read": _class("read", user=(200, 50, 1), address=(100, 20, 1)),
        "write": _class("write", user=(100, 20, 1), address=(20, 1, 1)),
        "ephemeral": _class("ephemeral", user=(50, 20, 1), address=(20, 1, 1)),
        # Calls, not bytes: those are for the service that keeps the files to count.
        "upload": _class("upload", user=(60, 1, 1), address=(20, 1, 1)),
        "search": _class("search", user=(20, 2, 1), address=(10, 1, 1)),
        "admin": _class("admin", user=(60, 5, 1), address=(10, 1, 1)),
    }


def widened(by: int = 100) -> Classes:
    """The table of a development installation, which nobody but its own machine reaches: wider, except for accounts."""
    return {
        name: {
            scope: limit
            if scope == ACCOUNT
            else replace(limit, burst=limit.burst * by, interval_ns=limit.interval_ns // by)
            for scope, limit in scopes.items()
        }
        for name, scopes in defaults().items()
    }


def class_name(rate_class: int) -> str:
    """`login` of RATE_CLASS_LOGIN. What the mesh calls itself is in no class."""
    if rate_class == options_pb2.RATE_CLASS_MESH:
        return ""
    return _NAMES[rate_class].removeprefix("RATE_CLASS_").lower()


def policy(name: str, scope: str, *, burst: int, calls: int, seconds: int) -> Policy:
    """An interval is rounded up, so that a limit is never exceeded."""
    return Policy(name, scope, burst, -(-seconds * SECOND_NS // calls))


def _class(name: str, **scopes: tuple[int, int, int]) -> Mapping[str, Policy]:
    return {
        scope: policy(name, scope, burst=burst, calls=calls, seconds=seconds)
        for scope, (burst, calls, seconds) in scopes.items()
    }
