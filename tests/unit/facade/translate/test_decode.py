"""What JSON is taken, and what is said about the rest."""

from contextlib import suppress
from typing import Any

import pytest
from google.protobuf.message import Message
from hypothesis import given
from hypothesis import strategies as st

from chat.message.v1.message_service_pb2 import SendMessageRequest
from facade.translate import Decoder, Encoder
from facade.translate.decode import MAX_DEPTH
from facade.translate.violations import LIMIT
from mesh.errors import Invalid
from tests.unit.facade.translate.zoo import zoo

DECODE = Decoder()


def animal(value: object) -> Any:
    return DECODE(zoo("Animal"), value)


def refusal(value: object) -> Invalid:
    with pytest.raises(Invalid) as caught:
        animal(value)
    return caught.value


FULL: dict[str, Any] = {
    "name": "Löwe 🦁",
    "tame": True,
    "picture": "//4=",
    "legs": -(2**31),
    "hairs": 2**63 - 1,
    "teeth": 2**32 - 1,
    "cells": 2**64 - 1,
    "weight": 0.5,
    "length": 1e300,
    "kind": "big_cat",
    "nick": "",
    "age": 0,
    "born_at": "2026-01-02T03:04:05.000006Z",
    "nap": "-3.5s",
    "mask": "name,parent.name",
    "parent": {"name": "old"},
    "children": [{"name": "a"}, {"name": "b"}],
    "tags": ["x", ""],
    "likes": ["odd", "unspecified"],
    "counts": {"a/b~": 5},
    "by_number": {"-3": "x"},
    "by_flag": {"true": "odd", "false": "big_cat"},
    "friends": {"f": {"name": "friend"}},
    "host": {"legs": 4},
    "from": "Kenya",
    "seen": ["1970-01-01T00:00:00.000000Z"],
    "guess": "odd",
}


def contains(whole: Any, part: Any) -> bool:
    if isinstance(part, dict):
        return all(key in whole and contains(whole[key], item) for key, item in part.items())
    if isinstance(part, list):
        return len(whole) == len(part) and all(contains(a, b) for a, b in zip(whole, part, strict=True))
    return bool(whole == part)


def test_what_is_printed_is_taken() -> None:
    """Every kind of field survives the way in and out, and a second round changes nothing."""
    encode, message = Encoder(), animal(FULL)
    shown = encode(message)
    assert contains(shown, FULL)
    assert animal(shown) == message


def test_null_means_not_set() -> None:
    """Null is taken for every field, and sets none."""
    assert animal(dict.fromkeys(FULL)) == zoo("Animal")()


def test_an_empty_object_is_not_an_absent_one() -> None:
    """Presence follows the JSON, also where all is zero."""
    message: Message = animal({"parent": {}, "born_at": "1970-01-01T00:00:00Z", "age": 0})
    assert [message.HasField(name) for name in ("parent", "born_at", "age", "nick")] == [True, True, True, False]


@pytest.mark.parametrize(
    ("value", "field", "expected"),
    [
        ({"hairs": "9007199254740993"}, "hairs", 9007199254740993),
        ({"legs": "-7"}, "legs", -7),
        ({"legs": 5.0}, "legs", 5),
        ({"weight": 2}, "weight", 2.0),
        ({"picture": "__4"}, "picture", b"\xff\xfe"),
        ({"picture": ""}, "picture", b""),
        ({"kind": "unspecified"}, "kind", 0),
    ],
)
def test_other_spellings_are_taken(value: dict[str, Any], field: str, expected: object) -> None:
    """Integers as text or with a zero fraction, URL-safe base64 without padding, enums by their zero name."""
    assert getattr(animal(value), field) == expected


@pytest.mark.parametrize(
    ("text", "seconds", "nanos"),
    [
        ("1970-01-01T01:00:00+01:00", 0, 0),
        ("1970-01-01t00:00:01.123456789z", 1, 123_456_789),
        ("1969-12-31T23:59:59.5Z", -1, 500_000_000),
    ],
)
def test_timestamps_of_any_zone_and_precision_are_taken(text: str, seconds: int, nanos: int) -> None:
    """RFC 3339 in full, down to the nanosecond."""
    born_at = animal({"born_at": text}).born_at
    assert (born_at.seconds, born_at.nanos) == (seconds, nanos)


BAD: list[tuple[dict[str, Any], str, str]] = [
    ({"name": 5}, "/name", "type.string"),
    ({"name": ["a"]}, "/name", "type.string"),
    ({"name": "\ud800"}, "/name", "string.utf8"),
    ({"tame": 1}, "/tame", "type.boolean"),
    ({"tame": "true"}, "/tame", "type.boolean"),
    ({"picture": "a"}, "/picture", "type.bytes"),
    ({"picture": "****"}, "/picture", "type.bytes"),
    ({"picture": "ä"}, "/picture", "type.bytes"),
    ({"picture": 1}, "/picture", "type.bytes"),
    ({"legs": True}, "/legs", "type.integer"),
    ({"legs": 1.5}, "/legs", "type.integer"),
    ({"legs": "1.0"}, "/legs", "type.integer"),
    ({"legs": ""}, "/legs", "type.integer"),
    ({"legs": "٣"}, "/legs", "type.integer"),
    ({"legs": "1_000"}, "/legs", "type.integer"),
    ({"legs": float("nan")}, "/legs", "type.integer"),
    ({"legs": float("inf")}, "/legs", "type.integer"),
    ({"legs": {}}, "/legs", "type.integer"),
    ({"legs": 2**31}, "/legs", "int32.range"),
    ({"hairs": -(2**63) - 1}, "/hairs", "int64.range"),
    ({"hairs": 1e30}, "/hairs", "int64.range"),
    ({"teeth": -1}, "/teeth", "uint32.range"),
    ({"cells": 2**64}, "/cells", "uint64.range"),
    ({"weight": "1.5"}, "/weight", "type.number"),
    ({"weight": False}, "/weight", "type.number"),
    ({"weight": float("nan")}, "/weight", "type.number"),
    ({"weight": 1e39}, "/weight", "number.range"),
    ({"length": float("inf")}, "/length", "number.range"),
    ({"length": 10**400}, "/length", "number.range"),
    ({"kind": 1}, "/kind", "type.enum"),
    ({"kind": "BIG_CAT"}, "/kind", "type.enum"),
    ({"likes": ["odd", "even"]}, "/likes/1", "type.enum"),
    ({"born_at": 1700000000}, "/born_at", "type.timestamp"),
    ({"born_at": "2026-01-02"}, "/born_at", "type.timestamp"),
    ({"born_at": "2026-01-02T03:04:05"}, "/born_at", "type.timestamp"),
    ({"born_at": "2026-02-30T00:00:00Z"}, "/born_at", "timestamp.range"),
    ({"born_at": "0001-01-01T00:00:00+01:00"}, "/born_at", "timestamp.range"),
    ({"nap": "3.5"}, "/nap", "type.duration"),
    ({"nap": 3.5}, "/nap", "type.duration"),
    ({"nap": "999999999999s"}, "/nap", "duration.range"),
    ({"mask": "name,"}, "/mask", "type.field_mask"),
    ({"mask": ["name"]}, "/mask", "type.field_mask"),
    ({"parent": "x"}, "/parent", "type.object"),
    ({"parent": []}, "/parent", "type.object"),
    ({"parent": {"parent": {"legs": "x"}}}, "/parent/parent/legs", "type.integer"),
    ({"children": {}}, "/children", "type.array"),
    ({"children": [{}, {"legs": "x"}]}, "/children/1/legs", "type.integer"),
    ({"children": [None]}, "/children/0", "type.object"),
    ({"tags": "x"}, "/tags", "type.array"),
    ({"tags": ["x", None]}, "/tags/1", "type.string"),
    ({"counts": []}, "/counts", "type.object"),
    ({"counts": {"a/b~": "x"}}, "/counts/a~1b~0", "type.integer"),
    ({"counts": {"a": None}}, "/counts/a", "type.integer"),
    ({"by_number": {"x": "y"}}, "/by_number/x", "type.integer"),
    ({"by_flag": {"yes": "odd"}}, "/by_flag/yes", "type.boolean"),
    ({"friends": {"f": {"legs": "x"}}}, "/friends/f/legs", "type.integer"),
    ({"cage": "a", "host": {}}, "/host", "oneof.conflict"),
]


@pytest.mark.parametrize(("value", "pointer", "code"), BAD)
def test_a_wrong_value_is_refused_where_it_stands(value: dict[str, Any], pointer: str, code: str) -> None:
    """The pointer leads to the value, the code says what was expected."""
    error = refusal(value)
    assert error.reason == "INVALID_REQUEST"
    assert [(v.field, v.code) for v in error.violations] == [(pointer, code)]


@pytest.mark.parametrize("value", [None, [], "x", 5, True])
def test_what_is_no_object_is_no_message(value: object) -> None:
    """The whole request has the empty pointer."""
    assert [(v.field, v.code) for v in refusal(value).violations] == [("", "type.object")]


def test_a_bad_enum_lists_the_allowed() -> None:
    """The caller need not look them up."""
    assert refusal({"kind": "dog"}).message == "Must be one of `big_cat`, `odd`."


def test_an_unknown_field_is_refused_with_a_suggestion() -> None:
    """A typo is answered with the name that was meant."""
    with pytest.raises(Invalid) as caught:
        DECODE(SendMessageRequest, {"txt": "hi"})
    error = caught.value
    assert (error.reason, error.violations[0].field) == ("UNKNOWN_FIELD", "/txt")
    assert error.message == "There is no field `txt`; did you mean `text`?"


def test_an_unlike_name_gets_no_suggestion() -> None:
    """No guess is better than a wild one."""
    assert refusal({"parent": {"zzzzzzzz": 1}}).message == "There is no field `zzzzzzzz`."


def test_all_problems_are_told_at_once() -> None:
    """Among other problems an unknown field does not name the error."""
    error = refusal({"legs": "x", "wings": 2, "parent": {"tame": 0}})
    assert (error.reason, error.message) == ("INVALID_REQUEST", "The request has 3 problems.")
    assert [v.field for v in error.violations] == ["/legs", "/wings", "/parent/tame"]


def test_the_list_of_problems_is_bounded() -> None:
    """A body full of nonsense does not buy an answer full of it."""
    assert len(refusal({f"{'x' * 5000}{n}": 1 for n in range(1000)}).violations) == LIMIT
    assert len(refusal({"tags": [1] * 1000}).violations) == LIMIT


def test_names_of_the_caller_are_repeated_shortened_and_encodable() -> None:
    """Neither a huge key nor half a surrogate pair comes back."""
    assert len(refusal({"x" * 100_000: 1}).violations[0].field) < 100
    assert refusal({"\ud800": 1}).violations[0].field == "/?"


def test_nesting_is_bounded() -> None:
    """A type that holds itself does not exhaust the stack."""
    value: dict[str, Any] = {}
    for _ in range(5000):
        value = {"parent": value}
    assert [v.code for v in refusal(value).violations] == ["object.depth"]
    assert refusal(value).violations[0].field == "/parent" * (MAX_DEPTH + 1)


def test_types_without_a_json_form_are_refused_when_compiled() -> None:
    """A contract that needs Any fails at start."""
    with pytest.raises(TypeError, match=r"google\.protobuf\.Any"):
        Decoder().of(zoo("Sealed").DESCRIPTOR)


ANY_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(st.characters()),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from([*FULL, "other"]), inner, max_size=4),
    max_leaves=12,
)


@given(ANY_JSON)
def test_any_json_is_taken_or_refused(value: object) -> None:
    """Nothing that JSON can say raises anything but Invalid, and what is taken is a sound message."""
    with suppress(Invalid):
        message = animal(value)
        assert zoo("Animal").FromString(message.SerializeToString()) == message
