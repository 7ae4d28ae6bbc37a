"""Checks messages against the rules in their contract. The one place that knows the validation library."""

from collections.abc import Iterable
from functools import cache
from typing import Any

import orjson
import protovalidate
from google.protobuf.descriptor import Descriptor
from google.protobuf.message import Message

from mesh.errors import Invalid, Violation

MAX_VIOLATIONS = 10
"""More are not named: an answer has to fit into the trailers of a call, of which a peer may refuse 8 KiB."""
_LONGEST_KEY = 64
_RULES = "buf.validate."


def validate(message: Message) -> None:
    """Raises Invalid (INVALID_REQUEST) that names the broken rules, up to MAX_VIOLATIONS."""
    descriptor: Any = message.DESCRIPTOR
    if not has_rules(descriptor):
        return
    violations = protovalidate.collect_violations(message)
    if violations:
        found = [_violation(violation.proto) for violation in violations[:MAX_VIOLATIONS]]
        summary = "; ".join(f"{v.field or 'request'}: {v.detail}" for v in found[:3])
        raise Invalid("INVALID_REQUEST", summary, violations=found)


@cache
def has_rules(descriptor: Descriptor) -> bool:
    """Whether there is any rule for messages of a type, or for those that they may hold."""
    return any(map(_states_rules, _held(descriptor, {})))


def _held(descriptor: Descriptor, found: dict[str, Descriptor]) -> Iterable[Descriptor]:
    """A type, and all that its messages may hold, at any depth."""
    if descriptor.full_name not in found:
        found[descriptor.full_name] = descriptor
        for field in descriptor.fields:
            if field.message_type is not None:
                _held(field.message_type, found)
    return found.values()


def _states_rules(descriptor: Descriptor) -> bool:
    stated = (descriptor, *descriptor.fields, *descriptor.oneofs)
    return any(option.full_name.startswith(_RULES) for one in stated for option, _ in one.GetOptions().ListFields())


def _violation(proto: Any) -> Violation:
    elements = proto.field.elements if proto.field is not None else ()  # A rule of the whole message has no field.
    path = "".join(f".{element.field_name}{_subscript(element.subscript)}" for element in elements)
    return Violation(path.lstrip("."), proto.rule_id, proto.message)


def _subscript(subscript: Any) -> str:
    """The index in a list or the key in a map, as JSON."""
    if subscript is None:
        return ""
    key = subscript.value
    if isinstance(key, str) and len(key) > _LONGEST_KEY:
        key = key[:_LONGEST_KEY] + "…"
    return f"[{orjson.dumps(key).decode()}]"
