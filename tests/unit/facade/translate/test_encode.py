"""What messages look like as JSON."""

from typing import Any

import orjson
import pytest
from google.protobuf.duration_pb2 import Duration
from google.protobuf.timestamp_pb2 import Timestamp

from chat.message.v1.change_pb2 import ChangeData, Typing
from chat.message.v1.message_pb2 import Message
from facade.translate import Encoder
from facade.translate.wellknown import duration_text, timestamp_text
from tests.unit.facade.translate.zoo import zoo


def test_zero_values_are_printed_and_absent_ones_are_null() -> None:
    """An empty message prints every field, except the members of a oneof."""
    assert Encoder()(zoo("Animal")()) == {
        "name": "",
        "tame": False,
        "picture": "",
        "legs": 0,
        "hairs": 0,
        "teeth": 0,
        "cells": 0,
        "weight": 0,
        "length": 0,
        "kind": "unspecified",
        "nick": None,
        "age": None,
        "born_at": None,
        "nap": None,
        "mask": None,
        "parent": None,
        "children": [],
        "tags": [],
        "likes": [],
        "counts": {},
        "by_number": {},
        "by_flag": {},
        "friends": {},
        "from": "",
        "seen": [],
        "guess": None,
    }


@pytest.mark.parametrize(
    ("given", "shown"),
    [
        ({"kind": 1}, {"kind": "big_cat"}),
        ({"kind": 2}, {"kind": "odd"}),
        ({"kind": 77}, {"kind": "unspecified"}),
        ({"guess": 0}, {"guess": "unspecified"}),
        ({"likes": [1, 0]}, {"likes": ["big_cat", "unspecified"]}),
        ({"nick": "", "age": 0}, {"nick": "", "age": 0}),
        ({"hairs": 2**62, "cells": 2**64 - 1}, {"hairs": 2**62, "cells": 2**64 - 1}),
        ({"picture": b"\xff\xfe"}, {"picture": "//4="}),
        ({"weight": 0.5}, {"weight": 0.5}),
        ({"tags": ["a", "ü"]}, {"tags": ["a", "ü"]}),
        ({"counts": {"a": 1}}, {"counts": {"a": 1}}),
        ({"by_number": {-3: "x"}}, {"by_number": {"-3": "x"}}),
        ({"by_flag": {True: 1}}, {"by_flag": {"true": "big_cat"}}),
        ({"mask": {"paths": ["a", "b.c"]}}, {"mask": "a,b.c"}),
        ({"cage": ""}, {"cage": ""}),
        ({"herd": 0}, {"herd": "unspecified"}),
        ({"from": "Kenya"}, {"from": "Kenya"}),
        ({"seen": [Timestamp(seconds=1)]}, {"seen": ["1970-01-01T00:00:01.000000Z"]}),
    ],
)
def test_a_value_has_the_form_of_its_kind(given: dict[str, Any], shown: dict[str, Any]) -> None:
    """Each kind of field prints what clients read back."""
    encoded = Encoder()(zoo("Animal")(**given))
    assert {name: encoded[name] for name in shown} == shown


def test_a_type_may_hold_itself() -> None:
    """Recursion through single, repeated, map and oneof fields is followed."""
    animal = zoo("Animal")
    cub = animal(name="cub")
    encoded = Encoder()(animal(parent=cub, children=[cub], friends={"f": cub}, host=cub))
    found = (encoded["parent"], encoded["children"][0], encoded["friends"]["f"], encoded["host"])
    assert [part["name"] for part in found] == ["cub"] * 4


def test_only_the_set_member_of_a_oneof_is_shown() -> None:
    """A change carries one kind of data, and nothing about the others."""
    assert Encoder()(ChangeData(typing=Typing(user_id="u"))) == {
        "typing": {"user_id": "u", "expires_at": None, "thread_root": ""}
    }


@pytest.mark.parametrize(
    ("seconds", "nanos", "text"),
    [
        (0, 0, "1970-01-01T00:00:00.000000Z"),
        (1_767_323_045, 6_999, "2026-01-02T03:04:05.000006Z"),
        (-1, 500_000_000, "1969-12-31T23:59:59.500000Z"),
        (-62_135_596_800, 0, "0001-01-01T00:00:00.000000Z"),
        (253_402_300_799, 999_999_999, "9999-12-31T23:59:59.999999Z"),
    ],
)
def test_timestamps_are_rfc3339_with_microseconds(seconds: int, nanos: int, text: str) -> None:
    """The text is in UTC and of fixed width, so that it sorts."""
    assert timestamp_text(Timestamp(seconds=seconds, nanos=nanos)) == text


@pytest.mark.parametrize(
    ("seconds", "nanos", "text"),
    [(3, 500_000_000, "3.5s"), (0, 0, "0s"), (100, 0, "100s"), (-1, -250_000_000, "-1.25s"), (0, -1, "-0.000000001s")],
)
def test_durations_are_seconds(seconds: int, nanos: int, text: str) -> None:
    """As many decimals as needed, no more."""
    assert duration_text(Duration(seconds=seconds, nanos=nanos)) == text


def test_types_without_a_json_form_are_refused_when_compiled() -> None:
    """A contract that needs Any fails at start instead of printing nonsense."""
    with pytest.raises(TypeError, match=r"google\.protobuf\.Any"):
        Encoder().of(zoo("Sealed").DESCRIPTOR)


def test_the_result_is_what_the_json_serializer_takes() -> None:
    """A message of the contracts comes out as JSON bytes."""
    message = Message(id="m", seq=3, created_at=Timestamp(seconds=1), metadata={"a": "b"})
    shown = orjson.loads(orjson.dumps(Encoder()(message)))
    assert (shown["seq"], shown["metadata"], shown["sender"]) == (3, {"a": "b"}, None)
