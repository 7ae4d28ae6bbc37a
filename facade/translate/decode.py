"""From parsed JSON to proto messages, strictly: one closure per field, all problems collected."""

from collections.abc import Callable, Iterable
from typing import Any, TypeVar, cast

from google.protobuf.descriptor import Descriptor, FieldDescriptor
from google.protobuf.message import Message

from facade.translate.scalars import Check, MismatchError, check_of
from facade.translate.shapes import in_real_oneof, is_map, map_entry, refuse_unknown_forms
from facade.translate.violations import Violations, escape, shorten
from facade.translate.wellknown import parse_duration, parse_field_mask, parse_timestamp

M = TypeVar("M", bound=Message)
Fill = Callable[[Any, object, str, Violations], None]
"""Puts the JSON value found at a pointer into a message (or, for a field, into that field of it)."""

MAX_DEPTH = 32
"""Objects within objects, for types that hold themselves; proto itself stops at 100."""

_WELL_KNOWN: dict[str, Callable[[object], Message]] = {
    "google.protobuf.Timestamp": parse_timestamp,
    "google.protobuf.Duration": parse_duration,
    "google.protobuf.FieldMask": parse_field_mask,
}


class Decoder:
    """Decodes JSON values, compiling each message type once."""

    def __init__(self) -> None:
        self._compiled: dict[str, Fill] = {}

    def __call__(self, kind: type[M], value: object) -> M:
        """The message that `value` describes. Raises Invalid with everything that is wrong with it."""
        message, violations = kind(), Violations()
        self.of(cast(Descriptor, kind.DESCRIPTOR))(message, value, "", violations)
        violations.check()
        return message

    def of(self, descriptor: Descriptor) -> Fill:
        """The compiled function of one type. Raises TypeError when it holds a type that has no JSON form here."""
        known = self._compiled.get(descriptor.full_name)
        if known is not None:
            return known
        if descriptor.full_name in _WELL_KNOWN:
            return _parsed(_WELL_KNOWN[descriptor.full_name])
        refuse_unknown_forms(descriptor)
        fields: dict[str, Fill] = {}
        fill = self._compiled[descriptor.full_name] = _object(fields)
        fields.update((field.name, self._field(field)) for field in descriptor.fields)
        return fill

    def _field(self, field: FieldDescriptor) -> Fill:
        name = field.name
        if is_map(field):
            return self._map(field)
        if field.is_repeated:
            add = _add_message(self.of(field.message_type)) if field.message_type else _add_scalar(check_of(field))
            return _list(name, add)
        fill = _set_message(name, self.of(field.message_type)) if field.message_type else _set(name, check_of(field))
        if in_real_oneof(field):
            oneof = field.containing_oneof
            assert oneof is not None
            return _exclusive(oneof.name, [f.name for f in oneof.fields], fill)
        return fill

    def _map(self, field: FieldDescriptor) -> Fill:
        key, value = map_entry(field)
        key_check = _flag if key.type == FieldDescriptor.TYPE_BOOL else check_of(key)
        if value.message_type:
            return _message_map(field.name, key_check, self.of(value.message_type))
        return _scalar_map(field.name, key_check, check_of(value))


def _object(fields: dict[str, Fill]) -> Fill:
    def fill(message: Any, value: object, pointer: str, violations: Violations) -> None:
        if not isinstance(value, dict):
            violations.add(pointer, "type.object", "Must be an object.")
        elif pointer.count("/") > MAX_DEPTH:
            violations.add(pointer, "object.depth", f"Must not be nested more than {MAX_DEPTH} deep.")
        else:
            for key, item in value.items():
                field = fields.get(key)
                if field is None:
                    violations.unknown(pointer, key, fields)
                elif item is not None:
                    field(message, item, f"{pointer}/{key}", violations)

    return fill


def _set(name: str, check: Check) -> Fill:
    def fill(message: Any, value: object, pointer: str, violations: Violations) -> None:
        try:
            setattr(message, name, check(value))
        except MismatchError as wrong:
            violations.add(pointer, wrong.code, wrong.detail)

    return fill


def _set_message(name: str, fill_message: Fill) -> Fill:
    def fill(message: Any, value: object, pointer: str, violations: Violations) -> None:
        part = getattr(message, name)
        part.SetInParent()  # an empty object is not an absent one
        fill_message(part, value, pointer, violations)

    return fill


def _parsed(parse: Callable[[object], Message]) -> Fill:
    def fill(message: Any, value: object, pointer: str, violations: Violations) -> None:
        try:
            message.CopyFrom(parse(value))
        except MismatchError as wrong:
            violations.add(pointer, wrong.code, wrong.detail)

    return fill


def _exclusive(oneof: str, names: Iterable[str], fill_member: Fill) -> Fill:
    detail = f"Give only one of {', '.join(f'`{name}`' for name in names)}."

    def fill(message: Any, value: object, pointer: str, violations: Violations) -> None:
        if message.WhichOneof(oneof) is not None:
            violations.add(pointer, "oneof.conflict", detail)
        else:
            fill_member(message, value, pointer, violations)

    return fill


def _list(name: str, add: Fill) -> Fill:
    def fill(message: Any, value: object, pointer: str, violations: Violations) -> None:
        if not isinstance(value, list):
            violations.add(pointer, "type.array", "Must be an array.")
            return
        items = getattr(message, name)
        for index, item in enumerate(value):
            add(items, item, f"{pointer}/{index}", violations)

    return fill


def _add_scalar(check: Check) -> Fill:
    def add(items: Any, value: object, pointer: str, violations: Violations) -> None:
        try:
            items.append(check(value))
        except MismatchError as wrong:
            violations.add(pointer, wrong.code, wrong.detail)

    return add


def _add_message(fill: Fill) -> Fill:
    def add(items: Any, value: object, pointer: str, violations: Violations) -> None:
        fill(items.add(), value, pointer, violations)

    return add


def _scalar_map(name: str, key_check: Check, check: Check) -> Fill:
    def put(items: Any, key: object, value: object, pointer: str, violations: Violations) -> None:
        items[key] = check(value)

    return _entries(name, key_check, put)


def _message_map(name: str, key_check: Check, fill_value: Fill) -> Fill:
    def put(items: Any, key: object, value: object, pointer: str, violations: Violations) -> None:
        fill_value(items[key], value, pointer, violations)

    return _entries(name, key_check, put)


def _entries(name: str, key_check: Check, put: Callable[[Any, object, object, str, Violations], None]) -> Fill:
    def fill(message: Any, value: object, pointer: str, violations: Violations) -> None:
        if not isinstance(value, dict):
            violations.add(pointer, "type.object", "Must be an object.")
            return
        items = getattr(message, name)
        for key, item in value.items():
            place = f"{pointer}/{escape(shorten(key))}"
            try:
                put(items, key_check(key), item, place, violations)
            except MismatchError as wrong:
                violations.add(place, wrong.code, wrong.detail)

    return fill


def _flag(key: object) -> bool:
    if key not in ("true", "false"):
        raise MismatchError("type.boolean", "Must be `true` or `false`.")
    return key == "true"
