"""Conditional requests (RFC 9110 §13): `If-None-Match` is judged here, `If-Match` by the service that is to change."""

import re
from collections.abc import Iterable, Sequence

from google.protobuf.message import Message
from starlette.requests import Request

from facade.descriptors import HttpRule, Method
from mesh.errors import Invalid, Violation

MAX_TAGS = 8
"""In one `If-Match`: each may cost a call."""
MAX_LENGTH = 64
"""Of a tag. None of ours is longer."""
NEVER = "W/"
"""Asks for a state that nothing is ever in, in place of tags that match nothing: who calls is still asked first."""
_TAG = r'(?:W/)?"[\x21\x23-\x7e\x80-\xff]*"'
_TAGS = re.compile(rf"{_TAG}(?:[ \t]*,[ \t]*{_TAG})*")


class IfMatch:
    """Hands `If-Match` to the field of the request that the contract names for it."""

    def __init__(self, method: Method, rule: HttpRule) -> None:
        """Raises ValueError for a contract that names an unknown field."""
        self._field = method.policy.rest.if_match_field
        self._reads = rule.verb == "GET"
        if self._field and self._field not in method.descriptor.input_type.fields_by_name:
            raise ValueError(f"{method.path}: no field {self._field} in what it is asked")

    def alternatives(self, request: Request, message: Message) -> list[Message]:
        """The message once for each tag, to be tried in turn until one is not refused with ETAG_MISMATCH.

        A change whose condition nobody can check is refused, not made regardless. Raises Invalid (INVALID_REQUEST).
        """
        if self._reads:
            return [message]
        if "if-none-match" in request.headers:
            raise _refused("If-None-Match", "header.unexpected", "is taken with GET only.")
        if "if-match" not in request.headers:
            return [message]
        if not self._field:
            raise _refused("If-Match", "header.unexpected", "is not taken here.")
        if (text := _header(request, "if-match")) == "*":
            return [message]
        if not (tags := _tags(text)):
            raise _refused("If-Match", "header.etags", 'must be `*`, or tags such as `"1"` with commas between.')
        if len(tags) > MAX_TAGS:
            raise _refused("If-Match", "header.etags", f"may have at most {MAX_TAGS} tags.")
        return [self._asking(message, value) for value in _values(tags)]

    def _asking(self, message: Message, value: str) -> Message:
        given = getattr(message, self._field)
        if given and value not in (given, NEVER):
            raise _refused("If-Match", "header.mismatch", f"differs from `{self._field}`.")
        asking = type(message)()
        asking.CopyFrom(message)
        setattr(asking, self._field, value)
        return asking


def is_known(request: Request, etag: str) -> bool:
    """Whether a reader says by `If-None-Match` that it has what `etag`, as the header writes it, stands for.

    What cannot be read is ignored: the reader gets an answer that it may have had already.
    """
    text = _header(request, "if-none-match")
    return text == "*" or any(tag.removeprefix("W/") == etag for tag in _tags(text))


def _header(request: Request, name: str) -> str:
    return ", ".join(request.headers.getlist(name)).strip()


def _tags(text: str) -> list[str]:
    """The tags of a header, as they are written; none when it cannot be read."""
    return re.findall(_TAG, text) if _TAGS.fullmatch(text) else []


def _values(tags: Iterable[str]) -> Sequence[str]:
    """What to ask for in turn. A weak tag matches nothing (RFC 9110 §8.8.3.2)."""
    strong = [tag[1:-1] for tag in tags if not tag.startswith("W/")]
    return list(dict.fromkeys(value for value in strong if 0 < len(value) <= MAX_LENGTH)) or [NEVER]


def _refused(header: str, code: str, detail: str) -> Invalid:
    said = f"`{header}` {detail}"
    return Invalid("INVALID_REQUEST", said, violations=[Violation(f"/{header}", code, said)])
