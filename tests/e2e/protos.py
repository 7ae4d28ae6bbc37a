"""What protobuf's own reader makes of the JSON that REST and sockets answer."""

from collections.abc import Mapping
from typing import Any, TypeVar

from google.protobuf.descriptor import FieldDescriptor
from google.protobuf.json_format import ParseDict
from google.protobuf.message import Message

M = TypeVar("M", bound=Message)


def as_proto(kind: type[M], value: Mapping[str, Any]) -> M:
    """The message that the JSON shows."""
    return ParseDict(_long_names(kind.DESCRIPTOR, value), kind())


def _long_names(message: Any, value: Any) -> Any:
    """The JSON with the full names of enums."""
    if not isinstance(value, dict) or message.GetOptions().map_entry:
        return value
    fields = message.fields_by_name
    return {name: _field(fields[name], part) if name in fields else part for name, part in value.items()}


def _field(field: FieldDescriptor, value: Any) -> Any:
    if isinstance(value, list):
        return [_field(field, part) for part in value]
    if field.enum_type is not None and isinstance(value, str):
        return field.enum_type.values[0].name.removesuffix("UNSPECIFIED") + value.upper()
    return value if field.message_type is None else _long_names(field.message_type, value)
