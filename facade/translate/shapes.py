"""What a descriptor means for the JSON of its type: the rules that encoder, decoder and OpenAPI share."""

import re

from google.protobuf.descriptor import Descriptor, EnumDescriptor, FieldDescriptor

UNSPECIFIED = "unspecified"
_WORD_START = re.compile(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])")


def short_names(enum: EnumDescriptor) -> dict[int, str]:
    """`MEMBER_ROLE_OWNER` of `MemberRole` is `owner`. An alias hides behind the first name of its number."""
    prefix = _WORD_START.sub("_", enum.name).upper() + "_"
    names: dict[int, str] = {}
    for value in enum.values:
        names.setdefault(value.number, value.name.removeprefix(prefix).lower())
    return names


def is_map(field: FieldDescriptor) -> bool:
    return field.message_type is not None and bool(field.message_type.GetOptions().map_entry)


def map_entry(field: FieldDescriptor) -> tuple[FieldDescriptor, FieldDescriptor]:
    """The key and the value of a map field."""
    assert field.message_type is not None
    entry = field.message_type.fields_by_name
    return entry["key"], entry["value"]


def in_real_oneof(field: FieldDescriptor) -> bool:
    """Whether a field is in a oneof that the contract declares; `optional` makes one of its own."""
    return field.containing_oneof is not None and field.containing_oneof.name != f"_{field.name}"


def refuse_unknown_forms(descriptor: Descriptor) -> None:
    """Raises TypeError for types such as Any and Struct, whose JSON is not that of their fields."""
    if descriptor.full_name.startswith("google.protobuf.") and descriptor.fields:
        raise TypeError(f"{descriptor.full_name} has no JSON form here")
