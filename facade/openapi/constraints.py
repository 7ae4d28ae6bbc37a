"""Validation rules of the contracts (buf.validate) as JSON Schema keywords, as far as there is one for them."""

from collections.abc import Callable
from typing import Any

import protovalidate
from buf.validate import validate_pb2
from google.protobuf.descriptor import Descriptor, FieldDescriptor
from google.protobuf.message_factory import GetMessageClass

from facade.translate.shapes import short_names

_FORMATS = {"uuid": "uuid", "email": "email", "uri": "uri", "hostname": "hostname", "ipv4": "ipv4", "ipv6": "ipv6"}


def constraints(field: FieldDescriptor) -> dict[str, Any]:
    """The keywords for one field; those for the items of a list or map stand where JSON Schema wants them."""
    option: Any = validate_pb2.DESCRIPTOR.extensions_by_name["field"]
    return _keywords(field.GetOptions().Extensions[option], field)


def required(descriptor: Descriptor) -> set[str]:
    """The fields that a request cannot do without: those whose rules an empty message breaks."""
    violations = protovalidate.collect_violations(GetMessageClass(descriptor)())
    paths = [violation.proto.field for violation in violations]
    return {path.elements[0].field_name for path in paths if path}


def _keywords(rules: Any, field: FieldDescriptor) -> dict[str, Any]:
    kind = rules.WhichOneof("type")
    return _KINDS.get(kind, _number)(getattr(rules, kind), field) if kind else {}


def _string(rules: Any, field: FieldDescriptor) -> dict[str, Any]:
    keywords = _given(rules, min_len="minLength", max_len="maxLength", pattern="pattern", const="const")
    if rules.HasField("len"):
        keywords |= {"minLength": rules.len, "maxLength": rules.len}
    if known := rules.WhichOneof("well_known"):
        keywords |= {"format": _FORMATS[known]} if known in _FORMATS else {}
    return keywords | _listed(rules)


def _number(rules: Any, field: FieldDescriptor) -> dict[str, Any]:
    bounds = _given(rules, gte="minimum", gt="exclusiveMinimum", lte="maximum", lt="exclusiveMaximum", const="const")
    return bounds | _listed(rules)


def _enum(rules: Any, field: FieldDescriptor) -> dict[str, Any]:
    assert field.enum_type is not None
    names = short_names(field.enum_type)
    allowed = getattr(rules, "in") or [number for number in names if number not in {0, *rules.not_in}]
    return {"enum": [names[number] for number in allowed]}


def _repeated(rules: Any, field: FieldDescriptor) -> dict[str, Any]:
    keywords = _given(rules, min_items="minItems", max_items="maxItems", unique="uniqueItems")
    return keywords | {"items": _keywords(rules.items, field)}


def _map(rules: Any, field: FieldDescriptor) -> dict[str, Any]:
    keywords = _given(rules, min_pairs="minProperties", max_pairs="maxProperties")
    names, values = _keywords(rules.keys, field), _keywords(rules.values, field)
    return keywords | ({"propertyNames": names} if names else {}) | {"additionalProperties": values}


def _given(rules: Any, **keywords: str) -> dict[str, Any]:
    fields = rules.DESCRIPTOR.fields_by_name
    return {word: getattr(rules, rule) for rule, word in keywords.items() if rule in fields and rules.HasField(rule)}


def _listed(rules: Any) -> dict[str, Any]:
    listed = getattr(rules, "in", ())
    return {"enum": list(listed)} if listed else {}


_KINDS: dict[str, Callable[[Any, FieldDescriptor], dict[str, Any]]] = {
    "string": _string,
    "enum": _enum,
    "repeated": _repeated,
    "map": _map,
    "bytes": lambda rules, field: {},
    "any": lambda rules, field: {},
    "duration": lambda rules, field: {},
    "timestamp": lambda rules, field: {},
    "field_mask": lambda rules, field: {},
}
