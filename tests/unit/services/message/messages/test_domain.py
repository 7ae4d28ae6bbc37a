"""Rules of messages."""

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mesh.errors import Conflict, Error, Exhausted, NotFound, Stale
from services.message.command import Origin
from services.message.conversations.domain import Conversation, Kind, Member, Role
from services.message.messages.domain import (
    NOBODY,
    UNDELETE,
    Called,
    DeleteMessage,
    EditMessage,
    Format,
    Forwarded,
    Mentions,
    Message,
    Reaction,
    SendMessage,
    called,
    check_edits,
    check_pace,
    check_repeat,
    check_root,
    check_undeletes,
    expired,
    fingerprint,
    passed_on,
    reply_not_found,
    tombstone,
    undeleted,
    visible,
    written,
)
from services.message.messages.domain import deleted as deleted_in
from services.message.messages.domain import edited as edited_in

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
    return written(send(text), 3, AT, NOBODY, None)


def conversation(**about: Any) -> Conversation:
    return Conversation("c", "w", Kind.GROUP, "n", "t", None, "o", AT, AT, 3, **about)


def edited(before: Message, actor: Member, command: EditMessage, at: datetime) -> Message:
    check_edits(conversation(), before, actor)
    return edited_in(conversation(), before, actor, command, command.mentions or before.mentions, at)


def deleted(before: Message, actor: Member, command: DeleteMessage, at: datetime) -> Message:
    return deleted_in(conversation(), before, actor, command, at)


def refusal(ask: Callable[..., object], *about: object) -> str:
    with pytest.raises(Error) as caught:
        ask(*about)
    return caught.value.reason


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
    assert after.undelete_until == LATER + UNDELETE
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


def test_fields_of_today_leave_the_fingerprints_of_yesterday_alone() -> None:
    """Those that are stored live for ever; what is not empty counts, wherever it stands."""
    plain = fingerprint("hi", "", {"b": "2", "a": "1"})
    assert plain.hex() == "89cd03de31375485fb62992b28491ddb09bbe3e4d4a47fb4d2edc6c29cf7c449"
    assert fingerprint("hi", "", {"b": "2", "a": "1"}, silent=False, thread_root="", attachments=()) == plain
    said: list[dict[str, Any]] = [
        {"silent": True},
        {"all": True},
        {"thread_root": "x"},
        {"reply": "x"},
        {"attachments": ["x"]},
    ]
    assert len({plain, *[fingerprint("hi", "", {"b": "2", "a": "1"}, **more) for more in said]}) == len(said) + 1


def test_only_those_are_called_who_are_there() -> None:
    """By name and by group, each once, and not the sender; all of them are shown all the same."""
    asked = Mentions(("author", "b", "gone"), ("g1", "empty"))
    people = {"g1": ["b", "c", "author"]}
    assert called(asked, "author", {"author", "b"}, people) == Called(Mentions(("author", "b"), ("g1",)), ("b", "c"))
    everybody = replace(asked, here=True)
    assert called(everybody, "author", {"b"}, people) == Called(Mentions(("b",), ("g1",), here=True), ())


def test_slow_mode_says_when_it_is_time() -> None:
    """It counts from the last message, and not for those who manage."""
    slow = conversation(slow_mode_s=60)
    check_pace(conversation(), member(), AT, AT)
    check_pace(slow, member(), None, AT)
    check_pace(slow, member(Role.ADMIN), AT, AT)
    check_pace(slow, member(), AT, AT + timedelta(seconds=60))
    with pytest.raises(Exhausted, match="SLOW_MODE") as caught:
        check_pace(slow, member(), AT, AT + timedelta(seconds=45))
    assert caught.value.retry_after_s == 15


def test_threads_hang_on_what_is_there_and_hangs_on_nothing() -> None:
    """A root is neither deleted nor a reply."""
    assert check_root(message()) == message()
    for root in (None, deleted(message(), member(), DELETE, AT), replace(message(), thread_root="r")):
        assert refusal(check_root, root) == "THREAD_NOT_FOUND"


def test_an_edit_is_written_like_the_first_text() -> None:
    """Markdown is rendered again; whom it calls is changed only when it says so."""
    before = replace(message("*a*"), format=Format.MARKDOWN, html="<p><em>a</em></p>", mentions=Mentions(("b",)))
    after = edited(before, member(), edit("*b*"), LATER)
    assert (after.html, after.mentions) == ("<p><em>b</em></p>", before.mentions)
    other = edited(before, member(), replace(edit("*a*"), mentions=Mentions(("c",))), LATER)
    assert (other.version, other.mentions) == (2, Mentions(("c",)))


def test_whoever_calls_everybody_in_an_edit_may_do_so() -> None:
    """Unless the message did before."""
    louder = replace(edit("hi"), mentions=Mentions(all=True))
    assert refusal(edited, message(), member(), louder, LATER) == "ROLE_TOO_LOW"
    assert edited(message(), member(Role.ADMIN), louder, LATER).mentions.everybody
    loud = replace(message(), mentions=Mentions(all=True))
    assert edited(loud, member(), replace(louder, text="other"), LATER).text == "other"


def test_nothing_is_changed_in_an_archive() -> None:
    """Neither edited, deleted nor brought back."""
    archive, there = conversation(archived_at=AT), message()
    tomb = deleted(there, member(), DELETE, AT)
    assert refusal(check_edits, archive, there, member()) == "CONVERSATION_ARCHIVED"
    assert refusal(deleted_in, archive, there, member(), DELETE, AT) == "CONVERSATION_ARCHIVED"
    assert refusal(check_undeletes, archive, tomb, member(), AT) == "CONVERSATION_ARCHIVED"


ADMIN, OWNER, OTHER = member(Role.ADMIN, "admin"), member(Role.OWNER, "owner"), member(user_id="other")


@pytest.mark.parametrize(
    ("deleter", "actor", "after", "answer"),
    [
        (member(), member(), timedelta(), ""),
        (member(), ADMIN, timedelta(), "NOT_AUTHOR"),
        (member(), OTHER, timedelta(), "NOT_AUTHOR"),
        (ADMIN, ADMIN, timedelta(), ""),
        (ADMIN, OWNER, timedelta(), ""),
        (ADMIN, member(), timedelta(), "ROLE_TOO_LOW"),
        (member(), member(), UNDELETE - timedelta(microseconds=1), ""),
        (member(), member(), UNDELETE, "UNDELETE_EXPIRED"),
    ],
)
def test_who_takes_a_deletion_back(deleter: Member, actor: Member, after: timedelta, answer: str) -> None:
    """What authors deleted is theirs, the rest is the admins'; both for a while."""
    tomb = deleted(message(), deleter, DELETE, AT)
    if answer:
        assert refusal(check_undeletes, conversation(), tomb, actor, AT + after) == answer
    else:
        assert check_undeletes(conversation(), tomb, actor, AT + after)


def test_what_is_there_is_not_brought_back() -> None:
    """A repeat is answered as it is, to those who could have done it."""
    assert not check_undeletes(conversation(), message(), member(), AT)
    assert not check_undeletes(conversation(), message(), ADMIN, AT)
    assert refusal(check_undeletes, conversation(), message(), OTHER, AT) == "NOT_AUTHOR"


def test_a_message_comes_back_with_all_it_said() -> None:
    """As a new version."""
    said: dict[str, Any] = {"text": "hi", "metadata": {"a": "b"}, "reactions": (Reaction("+", 1, ("x",)),)}
    before = replace(message(), **said)
    back = undeleted(deleted(before, member(), DELETE, AT), **said)
    assert back == replace(before, version=3, revision=3)


def test_a_message_ends_by_itself_when_it_is_due() -> None:
    """Not before, not twice, and nobody can take that back."""
    before = written(replace(send(), expires_in_s=60), 3, AT, NOBODY, None)
    due = AT + timedelta(seconds=60)
    assert before.expires_at == due
    assert expired(before, due - timedelta(microseconds=1)) is before
    assert expired(message(), due) == message()
    tomb = expired(before, due)
    assert (tomb.text, tomb.deleted_at, tomb.deleted_by, tomb.undelete_until) == ("", due, "", None)
    assert expired(tomb, due) is tomb
    assert refusal(check_undeletes, conversation(), tomb, member(), due) == "UNDELETE_EXPIRED"
    early = deleted(before, member(), DELETE, AT)
    assert refusal(check_undeletes, conversation(), early, member(), due) == "UNDELETE_EXPIRED"


def test_a_forward_passes_on_what_was_said_first() -> None:
    """Of a forward, not what was said to it. Of a tombstone there is nothing."""
    source = replace(message(), html="<p>", attachments=("f",))
    first = passed_on(source)
    assert first == Forwarded("m", "c", "author", AT, "hi", Format.PLAIN, "<p>", ("f",))
    assert passed_on(replace(message("see"), id="m2", forwarded=first)) == first
    assert refusal(passed_on, tombstone(source, "author", AT)) == "MESSAGE_DELETED"
