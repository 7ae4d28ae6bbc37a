"""From JSON values to the scalars of proto fields, refusing everything that is not exactly one of them."""

import binascii
import re
import sys
from collections.abc import Callable

from google.protobuf.descriptor import EnumDescriptor, FieldDescriptor

from facade.translate.shapes import UNSPECIFIED, short_names

Check = Callable[[object], object]
"""Gives the value to set, or raises MismatchError."""

_DIGITS = re.compile(r"-?(0|[1-9][0-9]{0,19})")
_URL_SAFE = str.maketrans("-_", "+/")
_LARGEST_FLOAT = float.fromhex("0x1.fffffep+127")


class MismatchError(Exception):
    """Why a value does not fit, without repeating it: it may be a password."""

    def __init__(self, code: str, detail: str) -> None:
        super().__init__(code, detail)
        self.code = code
        self.detail = detail


def check_of(field: FieldDescriptor) -> Check:
    """The check of one value of `field`, whose type is not a message."""
    if field.enum_type is not None:
        return _enum(field.enum_type)
    return _CHECKS[field.cpp_type, field.type == FieldDescriptor.TYPE_BYTES]


def _string(value: object) -> str:
    if not isinstance(value, str):
        raise MismatchError("type.string", "Must be a string.")
    if not value.isascii():
        try:
            value.encode()
        except UnicodeEncodeError:
            raise MismatchError("string.utf8", "Must not hold half a surrogate pair.") from None
    return value


def _boolean(value: object) -> bool:
    if not isinstance(value, bool):
        raise MismatchError("type.boolean", "Must be true or false.")
    return value


def _bytes(value: object) -> bytes:
    if not isinstance(value, str):
        raise MismatchError("type.bytes", "Must be a base64 string.")
    text = value.translate(_URL_SAFE).rstrip("=")
    try:
        return binascii.a2b_base64(text + "=" * (-len(text) % 4), strict_mode=True)
    except (binascii.Error, ValueError):
        raise MismatchError("type.bytes", "Must be a base64 string.") from None


def _integer(bits: int, signed: bool) -> Check:
    lowest, highest = (-(1 << bits - 1), (1 << bits - 1) - 1) if signed else (0, (1 << bits) - 1)
    name = f"{'' if signed else 'u'}int{bits}"

    def check(value: object) -> int:
        if isinstance(value, str | float) and _is_integral(value):
            value = int(value)
        if not isinstance(value, int) or isinstance(value, bool):
            raise MismatchError("type.integer", "Must be an integer.")
        if not lowest <= value <= highest:
            raise MismatchError(f"{name}.range", f"Must lie between {lowest} and {highest}.")
        return value

    return check


def _is_integral(value: str | float) -> bool:
    """JSON knows one kind of number: 5.0 is 5. As text it may be written by those whose numbers end at 2^53."""
    return value.is_integer() if isinstance(value, float) else _DIGITS.fullmatch(value) is not None


def _number(largest: float) -> Check:
    def check(value: object) -> float:
        if not isinstance(value, int | float) or isinstance(value, bool) or value != value:
            raise MismatchError("type.number", "Must be a number.")
        if not -largest <= value <= largest:
            raise MismatchError("number.range", f"Must lie between {-largest:g} and {largest:g}.")
        return float(value)

    return check


def _enum(enum: EnumDescriptor) -> Check:
    names = short_names(enum)
    numbers = {name: number for number, name in names.items()}
    allowed = ", ".join(f"`{name}`" for name in numbers if name != UNSPECIFIED)

    def check(value: object) -> int:
        number = numbers.get(value) if isinstance(value, str) else None
        if number is None:
            raise MismatchError("type.enum", f"Must be one of {allowed}.")
        return number

    return check


_F = FieldDescriptor
_CHECKS: dict[tuple[int, bool], Check] = {
    (_F.CPPTYPE_STRING, False): _string,
    (_F.CPPTYPE_STRING, True): _bytes,
    (_F.CPPTYPE_BOOL, False): _boolean,
    (_F.CPPTYPE_INT32, False): _integer(32, signed=True),
    (_F.CPPTYPE_INT64, False): _integer(64, signed=True),
    (_F.CPPTYPE_UINT32, False): _integer(32, signed=False),
    (_F.CPPTYPE_UINT64, False): _integer(64, signed=False),
    (_F.CPPTYPE_FLOAT, False): _number(_LARGEST_FLOAT),
    (_F.CPPTYPE_DOUBLE, False): _number(sys.float_info.max),
}
