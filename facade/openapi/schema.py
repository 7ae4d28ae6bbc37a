"""JSON Schemas of message types: what the encoder prints, and what the decoder takes."""

from collections.abc import Mapping
from typing import Any

from google.protobuf.descriptor import Descriptor, FieldDescriptor

from chat.common.v1.reason_pb2 import Reason
from facade.openapi.constraints import constraints, required
from facade.translate.shapes import UNSPECIFIED, in_real_oneof, is_map, map_entry, short_names

Schema = dict[str, Any]

_F = FieldDescriptor
_SCALARS: dict[int, Schema] = {
    _F.CPPTYPE_STRING: {"type": "string"},
    _F.CPPTYPE_BOOL: {"type": "boolean"},
    _F.CPPTYPE_INT32: {"type": "integer", "format": "int32"},
    _F.CPPTYPE_INT64: {"type": "integer", "format": "int64"},
    _F.CPPTYPE_UINT32: {"type": "integer", "format": "uint32"},
    _F.CPPTYPE_UINT64: {"type": "integer", "format": "uint64"},
    _F.CPPTYPE_FLOAT: {"type": "number", "format": "float"},
    _F.CPPTYPE_DOUBLE: {"type": "number", "format": "double"},
}
_WELL_KNOWN: dict[str, Schema] = {
    "google.protobuf.Timestamp": {"type": "string", "format": "date-time"},
    "google.protobuf.Duration": {"type": "string", "pattern": r"^-?\d+(\.\d{1,9})?s$"},
    "google.protobuf.FieldMask": {"type": "string", "description": "Field names with commas between."},
}


class Schemas:
    """Makes schemas and keeps those of messages as components, one for each type and direction."""

    def __init__(self, comments: Mapping[str, str]) -> None:
        self.components: dict[str, Schema] = {}
        self._comments = comments
        self._owners: dict[str, str] = {}

    def output(self, descriptor: Descriptor) -> Schema:
        """A reference to the schema of what is answered: every field is there."""
        return self._component(descriptor, descriptor.name, strict=False)

    def input(self, descriptor: Descriptor) -> Schema:
        """A reference to the schema of what is taken: no field that is not declared."""
        name = descriptor.name if descriptor.name.endswith("Request") else f"{descriptor.name}Input"
        return self._component(descriptor, name, strict=True)

    def body(self, descriptor: Descriptor, without: set[str]) -> Schema:
        """What is taken as a body when the fields `without` are given elsewhere."""
        if without:
            return self._input_object(descriptor, without)
        return self.input(descriptor)

    def parameter(self, field: FieldDescriptor) -> Schema:
        """The schema of a field in the path or the query."""
        return self._input_field(field)

    def member(self, field: FieldDescriptor) -> Schema:
        """What is answered when one field is taken out of its message."""
        if field.message_type is not None and not field.is_repeated:
            return self._value(field, strict=False)
        return self._output_field(field)

    def _component(self, descriptor: Descriptor, name: str, *, strict: bool) -> Schema:
        if self._owners.setdefault(name, descriptor.full_name) != descriptor.full_name:
            name = f"{descriptor.file.package}.{name}"
        if name not in self.components:
            self.components[name] = {}  # a type may hold itself
            schema = self._input_object(descriptor, set()) if strict else self._output_object(descriptor)
            self.components[name] = schema
        return {"$ref": f"#/components/schemas/{name}"}

    def _input_object(self, descriptor: Descriptor, without: set[str]) -> Schema:
        fields = [field for field in descriptor.fields if field.name not in without]
        needed = required(descriptor)
        schema = self._described({"type": "object", "additionalProperties": False}, descriptor.full_name)
        schema["properties"] = {field.name: self._input_field(field) for field in fields}
        return schema | _if_any("required", [field.name for field in fields if field.name in needed])

    def _output_object(self, descriptor: Descriptor) -> Schema:
        schema = self._described({"type": "object"}, descriptor.full_name)
        schema["properties"] = {field.name: self._output_field(field) for field in descriptor.fields}
        return schema | _if_any("required", [f.name for f in descriptor.fields if not in_real_oneof(f)])

    def _input_field(self, field: FieldDescriptor) -> Schema:
        return self._described(_merged(self._shape(field, strict=True), constraints(field)), field.full_name)

    def _output_field(self, field: FieldDescriptor) -> Schema:
        schema = self._shape(field, strict=False)
        if field.has_presence and not in_real_oneof(field):
            schema = _nullable(schema)
        return self._described(schema, field.full_name)

    def _shape(self, field: FieldDescriptor, *, strict: bool) -> Schema:
        if is_map(field):
            return {"type": "object", "additionalProperties": self._value(map_entry(field)[1], strict=strict)}
        value = self._value(field, strict=strict)
        return {"type": "array", "items": value} if field.is_repeated else value

    def _value(self, field: FieldDescriptor, *, strict: bool) -> Schema:
        if field.message_type is not None:
            known = _WELL_KNOWN.get(field.message_type.full_name)
            if known is not None:
                return dict(known)
            return self.input(field.message_type) if strict else self.output(field.message_type)
        if field.enum_type is not None:
            names = short_names(field.enum_type).values()
            return {"type": "string", "enum": [name for name in names if not (strict and name == UNSPECIFIED)]}
        if field.type == FieldDescriptor.TYPE_BYTES:
            return {"type": "string", "contentEncoding": "base64"}
        return dict(_SCALARS[field.cpp_type])

    def _described(self, schema: Schema, name: str) -> Schema:
        comment = self._comments.get(name)
        return {**schema, "description": comment} if comment else schema


def problem_schema() -> Schema:
    """RFC 9457, with the members that ours have."""
    text: Schema = {"type": "string"}
    item = {"type": "object", "required": ["pointer", "code", "detail"]}
    properties: Schema = {
        "type": {**text, "description": "Where this kind of problem is explained."},
        "title": {**text, "description": "A name for this kind of problem."},
        "status": {"type": "integer", "description": "The HTTP status."},
        "detail": {**text, "description": "What happened, for people."},
        "instance": {**text, "description": "The path that was asked for."},
        "code": {"type": "string", "enum": _reasons(), "description": "What happened, for programs."},
        "request_id": {**text, "description": "Names this request in the log."},
        "trace_id": {**text, "description": "The trace of this request."},
        "correlation_id": {**text, "description": "`X-Correlation-Id` of the request, or the one made for it."},
        "retryable": {"type": "boolean", "description": "Whether the same request may succeed later."},
        "retry_after_s": {"type": ["number", "null"], "description": "Seconds to wait before that."},
        "errors": {
            "type": "array",
            "items": {**item, "properties": {"pointer": text, "code": text, "detail": text}},
            "description": "The broken rules, each with a JSON pointer to its field.",
        },
        "metadata": {"type": "object", "additionalProperties": text, "description": "Details, by kind of problem."},
    }
    of_limits: Schema = {
        "policy": {**text, "description": "The rate limit that was reached, as `/api/meta/limits` lists it."},
        "scope": {**text, "description": "Whom or what that limit counts by, such as `user`."},
    }
    return {"type": "object", "properties": {**properties, **of_limits}, "required": list(properties)}


def _reasons() -> list[str]:
    return [name.removeprefix("REASON_") for name, number in Reason.items() if number]


def _nullable(schema: Schema) -> Schema:
    if "$ref" in schema:
        return {"anyOf": [schema, {"type": "null"}]}
    more = {"enum": [*schema["enum"], None]} if "enum" in schema else {}
    return {**schema, "type": [schema["type"], "null"], **more}


def _merged(schema: Schema, more: Schema) -> Schema:
    parts = {key: _merged(schema[key], value) for key, value in more.items() if isinstance(schema.get(key), dict)}
    return {**schema, **more, **parts}


def _if_any(key: str, names: list[str]) -> Schema:
    return {key: names} if names else {}
