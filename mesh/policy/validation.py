"""Checks messages against the rules in their contract. The one place that knows the validation library."""

import protovalidate
from google.protobuf.message import Message

from mesh.errors import Invalid, Violation


def validate(message: Message) -> None:
    """Raises Invalid (INVALID_REQUEST) that names each broken rule."""
    violations = protovalidate.collect_violations(message)
    if violations:
        found = [_violation(violation.proto) for violation in violations]
        summary = "; ".join(f"{v.field or 'request'}: {v.detail}" for v in found[:3])
        raise Invalid("INVALID_REQUEST", summary, violations=found)


def _violation(proto: object) -> Violation:
    path = "".join(_element(element) for element in proto.field.elements)  # type: ignore[attr-defined]
    return Violation(path.lstrip("."), proto.rule_id, proto.message)  # type: ignore[attr-defined]


def _element(element: object) -> str:
    subscript = element.subscript  # type: ignore[attr-defined]
    index = "" if subscript is None else f"[{subscript.value!r}]".replace("'", '"')
    return f".{element.field_name}{index}"  # type: ignore[attr-defined]
