"""Cursors: what goes in comes out, and nothing else is accepted."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mesh.cursor import CursorCodec
from mesh.errors import Invalid

CODEC = CursorCodec(b"secret")
VALUES = st.lists(st.one_of(st.text(st.characters(exclude_categories=["Cs"])), st.integers(-(2**63), 2**63 - 1)))


@given(st.text(), VALUES)
def test_values_come_back(scope: str, values: list[str | int]) -> None:
    """Decoding gives what was encoded, whatever the scope."""
    scope = scope.encode(errors="replace").decode()
    assert CODEC.decode(scope, CODEC.encode(scope, values)) == values


def test_a_cursor_needs_no_quoting() -> None:
    """It holds only characters that URLs carry as they are."""
    cursor = CODEC.encode("list", ["ü?&=/+ ", 7])
    assert set(cursor) <= set("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_")


def test_another_scope_is_a_mismatch() -> None:
    """A good cursor of another list is told apart from a bad one."""
    with pytest.raises(Invalid) as caught:
        CODEC.decode("ListMembers:a", CODEC.encode("ListMembers:b", [1]))
    assert caught.value.reason == "CURSOR_MISMATCH"


def test_another_secret_is_invalid() -> None:
    """Nobody makes cursors without the secret."""
    with pytest.raises(Invalid) as caught:
        CODEC.decode("list", CursorCodec(b"other").encode("list", [1]))
    assert caught.value.reason == "CURSOR_INVALID"


@pytest.mark.parametrize("cursor", ["", "x", "!!!!", "ü", "AAAA", "A" * 1000, "A===", " "])
def test_rubbish_is_invalid(cursor: str) -> None:
    """What was never a cursor is refused, not crashed on."""
    with pytest.raises(Invalid) as caught:
        CODEC.decode("list", cursor)
    assert caught.value.reason == "CURSOR_INVALID"


def test_any_changed_character_is_invalid() -> None:
    """There is no second spelling of a cursor, not even in bits that base64 ignores."""
    cursor = CODEC.encode("list", [1, "x"])
    for i, character in enumerate(cursor):
        changed = cursor[:i] + ("A" if character != "A" else "B") + cursor[i + 1 :]
        with pytest.raises(Invalid):
            CODEC.decode("list", changed)
    for other in (cursor + "=", cursor + "A", cursor[:-1], " " + cursor):
        with pytest.raises(Invalid):
            CODEC.decode("list", other)
