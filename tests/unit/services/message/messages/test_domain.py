"""Rules of messages."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mesh.errors import Conflict, Error, NotFound, Stale
from services.message.command import Origin
from services.message.conversations.domain import Member, Role
from services.message.messages.domain import (
    DeleteMessage,
    EditMessage,
    Message,
    SendMessage,
    check_repeat,
    check_writes,
    deleted,
    edited,
    fingerprint,
    reply_not_found,
    visible,
    written,
)

AT = datetime(2026, 5, 1, tzinfo=UTC)
LATER = AT + timedelta(minutes=1)
DELETE = DeleteMessage(Origin("author", "w"), "m")
TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=5)


def member(role: Role = Role.MEMBER, user_id: str = "author") -> Member:
    return Member("c", "w", user_id, role, AT)


def send(text: str = "hi") -> SendMessage:
    return SendMessage(Origin("author", "w"), "m", "c", "k", text, "", {"a": "b"}, fingerprint(text, "", {"a": "b"}))


def edit(text: str, etag: str = "") -> EditMessage:
    return EditMessage(Origin("author", "w"), "m", text, etag)


def message(text: str = "hi") -> Message:
    return written(send(text), seq=3, at=AT)


def test_a_new_message_says_what_was_sent() -> None:
    """Version 1, with the number given."""
    new = message()
    assert (new.seq, new.version, new.text, new.sender_id, new.created_at) == (3, 1, "hi", "author", AT)
    assert (new.edited_at, new.deleted_at, new.deleted_by) == (None, None, "")


def test_texts_count_with_the_most_bytes_they_can_have() -> None:
    """UTF-8 takes up to four for a character."""
    assert send("abc").size == EditMessage(Origin("a"), "m", "abc").size == 12


@given(*[st.tuples(TEXT, TEXT, st.dictionaries(TEXT, TEXT, max_size=3))] * 2)
def test_fingerprints_are_equal_exactly_for_equal_contents(
    one: tuple[str, str, dict[str, str]], other: tuple[str, str, dict[str, str]]
) -> None:
    """Nothing can be moved from one field to the next, and the order of metadata does not count."""
    assert (fingerprint(*one) == fingerprint(*other)) == (one == other)
    shuffled = dict(reversed(one[2].items()))
    assert fingerprint(one[0], one[1], shuffled) == fingerprint(*one)


def test_a_repeat_has_the_same_content() -> None:
    """Anything else under the same id is a conflict."""
    check_repeat(fingerprint("hi", "", {"a": "b"}), send("hi"))
    with pytest.raises(Conflict) as caught:
        check_repeat(fingerprint("hi", "", {}), send("hi"))
    assert caught.value.reason == "CLIENT_MSG_ID_CONFLICT"


def test_guests_do_not_write() -> None:
    """Members and all above do."""
    check_writes(member(Role.MEMBER))
    with pytest.raises(Error) as caught:
        check_writes(member(Role.GUEST))
    assert caught.value.reason == "ROLE_TOO_LOW"


def test_an_edit_raises_the_version() -> None:
    """Text and time change, the number does not."""
    after = edited(message(), member(), edit("new"), LATER)
    assert (after.text, after.version, after.edited_at, after.seq) == ("new", 2, LATER, 3)


def test_an_edit_to_the_same_text_is_no_edit() -> None:
    """The very same message comes back."""
    before = message()
    assert edited(before, member(), edit("hi"), LATER) is before


@pytest.mark.parametrize(
    ("actor", "before", "reason"),
    [
        (member(Role.OWNER, "other"), message(), "NOT_AUTHOR"),
        (member(Role.GUEST), message(), "ROLE_TOO_LOW"),
        (member(), deleted(message(), member(), DELETE, AT), "MESSAGE_DELETED"),
    ],
)
def test_who_may_not_edit(actor: Member, before: Message, reason: str) -> None:
    """Only the author, as long as they may write and it is there."""
    with pytest.raises(Error) as caught:
        edited(before, actor, edit("new"), LATER)
    assert caught.value.reason == reason


@pytest.mark.parametrize("actor", [member(), member(Role.GUEST), member(Role.ADMIN, "other"), member(Role.OWNER, "o")])
def test_a_tombstone_says_nothing(actor: Member) -> None:
    """Authors and admins leave one, whose number stays."""
    after = deleted(message(), actor, DELETE, LATER)
    assert (after.text, after.metadata, after.seq, after.version) == ("", {}, 3, 2)
    assert (after.deleted_at, after.deleted_by) == (LATER, actor.user_id)


def test_other_members_do_not_delete() -> None:
    """That takes an admin."""
    with pytest.raises(Error) as caught:
        deleted(message(), member(Role.MEMBER, "other"), DELETE, LATER)
    assert caught.value.reason == "ROLE_TOO_LOW"


def test_a_second_deletion_is_none() -> None:
    """The very same tombstone comes back."""
    tombstone = deleted(message(), member(), DELETE, AT)
    assert deleted(tombstone, member(), DELETE, LATER) is tombstone


def test_a_change_takes_the_present_etag_or_none() -> None:
    """Each change makes another; what is there already is no change, so that a repeat is answered like the first."""
    before = message()
    stale = before.etag
    after = edited(before, member(), edit("new", stale), LATER)
    assert after.etag != stale
    assert edited(after, member(), edit("new", stale), LATER) is after
    delete = replace(DELETE, etag=stale)
    with pytest.raises(Stale, match="ETAG_MISMATCH"):
        edited(after, member(), edit("newer", stale), LATER)
    with pytest.raises(Stale, match="ETAG_MISMATCH"):
        deleted(after, member(), delete, LATER)
    tombstone = deleted(after, member(), replace(DELETE, etag=after.etag), LATER)
    assert deleted(tombstone, member(), delete, LATER) is tombstone


def test_a_message_exists_only_for_members() -> None:
    """A missing message and a missing membership look the same."""
    for pair in ((None, member()), (message(), None)):
        with pytest.raises(NotFound) as caught:
            visible(*pair)
        assert caught.value.reason == "MESSAGE_NOT_FOUND"
    assert visible(message(), member()) == (message(), member())


def test_a_reply_names_what_is_missing() -> None:
    """Its own reason, so that a client can tell it from a missing conversation."""
    assert reply_not_found().reason == "REPLY_NOT_FOUND"
