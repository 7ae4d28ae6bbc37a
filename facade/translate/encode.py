"""From proto messages to what a JSON serializer takes.

Each message type becomes one generated expression, `lambda m: {"id": m.id, ...}`: a few microseconds a message.
"""

from base64 import b64encode
from collections.abc import Callable
from keyword import iskeyword
from typing import Any, cast

from google.protobuf.descriptor import Descriptor, EnumDescriptor, FieldDescriptor, OneofDescriptor
from google.protobuf.message import Message

from facade.translate.shapes import UNSPECIFIED, in_real_oneof, is_map, map_entry, refuse_unknown_forms, short_names
from facade.translate.wellknown import duration_text, field_mask_text, timestamp_text

Encode = Callable[[Message], Any]

_WELL_KNOWN: dict[str, Callable[[Any], str]] = {
    "google.protobuf.Timestamp": timestamp_text,
    "google.protobuf.Duration": duration_text,
    "google.protobuf.FieldMask": field_mask_text,
}


class Encoder:
    """Encodes messages, compiling each type once."""

    def __init__(self) -> None:
        self._compiled: dict[str, Any] = {"b64": lambda data: b64encode(data).decode(), "key": _key}
        self._names: dict[str, str] = {}

    def __call__(self, message: Message) -> Any:
        """The JSON object of `message`, as dicts, lists, strings and numbers."""
        return self.of(cast(Descriptor, message.DESCRIPTOR))(message)

    def of(self, descriptor: Descriptor) -> Encode:
        """The compiled function of one type. Raises TypeError when it holds a type that has no JSON form here."""
        encode: Encode = self._compiled[self._message(descriptor)]
        return encode

    def _message(self, descriptor: Descriptor) -> str:
        """The name by which generated code calls the function of `descriptor`."""
        known = self._names.get(descriptor.full_name)
        if known is not None:
            return known
        name = self._names[descriptor.full_name] = f"message_{len(self._names)}"
        self._compiled[name] = _WELL_KNOWN.get(descriptor.full_name) or self._compile(descriptor)
        return name

    def _compile(self, descriptor: Descriptor) -> Encode:
        refuse_unknown_forms(descriptor)
        items = [f"{f.name!r}: {self._field(f)}" for f in descriptor.fields if not in_real_oneof(f)]
        items += [f"**{self._oneof(oneof)}" for oneof in descriptor.oneofs if in_real_oneof(oneof.fields[0])]
        # The text is made of names that the proto compiler accepted, and of nothing else.
        encode: Encode = eval(f"lambda m: {{{', '.join(items)}}}", self._compiled)  # noqa: S307
        return encode

    def _field(self, field: FieldDescriptor) -> str:
        value = _get(field)
        if is_map(field):
            item = self._value(map_entry(field)[1], "v")
            return f"{{key(k): {item} for k, v in {value}.items()}}"
        if field.is_repeated:
            return f"[{self._value(field, 'v')} for v in {value}]"
        if field.has_presence:
            return f"{self._value(field, value)} if m.HasField({field.name!r}) else None"
        return self._value(field, value)

    def _oneof(self, oneof: OneofDescriptor) -> str:
        """The one field that is set; it alone is looked at, however many there could be."""
        name = f"oneof_{len(self._names)}"
        self._names[f"{oneof.containing_type.full_name}/{oneof.name}"] = name
        self._compiled[name] = {None: _nothing} | {
            f.name: eval(f"lambda m: {{{f.name!r}: {self._value(f, _get(f))}}}", self._compiled)  # noqa: S307
            for f in oneof.fields
        }
        return f"{name}[m.WhichOneof({oneof.name!r})](m)"

    def _value(self, field: FieldDescriptor, value: str) -> str:
        if field.message_type is not None:
            return f"{self._message(field.message_type)}({value})"
        if field.enum_type is not None:
            # A number that this process does not know yet comes from a newer one.
            return f"{self._enum(field.enum_type)}.get({value}, {UNSPECIFIED!r})"
        return f"b64({value})" if field.type == FieldDescriptor.TYPE_BYTES else value

    def _enum(self, enum: EnumDescriptor) -> str:
        name = self._names.setdefault(enum.full_name, f"enum_{len(self._names)}")
        self._compiled.setdefault(name, short_names(enum))
        return name


def _get(field: FieldDescriptor) -> str:
    return f"getattr(m, {field.name!r})" if iskeyword(field.name) else f"m.{field.name}"


def _nothing(_: object) -> dict[str, Any]:
    return {}


def _key(key: object) -> str:
    return key if isinstance(key, str) else str(key).lower()
