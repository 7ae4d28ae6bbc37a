"""What protobuf's own reader makes of the JSON that REST and sockets answer."""

from collections.abc import Mapping
from typing import Any, TypeVar

from google.protobuf.json_format import ParseDict
from google.protobuf.message import Message

M = TypeVar("M", bound=Message)


def as_proto(kind: type[M], value: Mapping[str, Any]) -> M:
    """The message that the JSON shows."""
    return ParseDict(_long_names(value), kind())


def _long_names(value: Any, key: str = "") -> Any:
    """The JSON with the full names of enums. Places in logs are maps of numbers, and pass."""
    prefixes = {"kind": "PROFILE_KIND_", "type": "CONVERSATION_TYPE_", "role": "MEMBER_ROLE_"}
    if isinstance(value, dict):
        return {name: _long_names(item, name) for name, item in value.items()}
    if isinstance(value, list):
        return [_long_names(item) for item in value]
    if key in prefixes and isinstance(value, str) and not (key == "type" and "-" in value):
        return prefixes[key] + value.upper()
    return value
