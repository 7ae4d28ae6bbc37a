"""What every journal promises about the rules of sends: slow mode, forwards, and that a repeat is none."""

from datetime import timedelta
from typing import Any

from sqlalchemy import event

from mesh.database import Database
from services.message.conversations.domain import ArchiveConversation, Role, UpdateConversation
from services.message.messages.domain import Format, Forwarded, ForwardMessage, fingerprint
from services.message.messages.store import MessageStore
from tests.contract.message.desk import A, B, C, Clock, Desk, as_, told


def forward(desk: Desk, actor: str, message_id: str, to: str, comment: str = "see", key: str = "") -> ForwardMessage:
    id_ = desk.new_id("m")
    said = fingerprint(comment, "", {}, forwarded=message_id)
    return ForwardMessage(desk.origin(actor), id_, to, key or id_, comment, "", {}, said, message_id=message_id)


async def slow(desk: Desk, seconds: int) -> None:
    await desk.result(UpdateConversation(desk.origin(A), "g", {"slow_mode_s": seconds}))


async def test_in_slow_mode_one_waits_for_ones_own_next_message(desk: Desk, clock: Clock) -> None:
    """Each for themselves, also inside a batch; a deleted message counts, a repeat and a refused one do not."""
    await desk.group(A, B, C)
    await slow(desk, 60)
    first = desk.send(B)
    outcomes = await desk.do(first, desk.send(B), desk.send(A), desk.send(A), first)
    assert [outcome.error.reason if outcome.error else "" for outcome in outcomes] == ["", "SLOW_MODE", "", "", ""]
    assert outcomes[1].error is not None
    assert outcomes[1].error.retry_after_s == 60
    await desk.sent(C)
    await desk.result(desk.delete(B, first.id))
    clock.now += timedelta(seconds=30)
    (refused,) = await desk.do(desk.send(B))
    assert refused.error is not None
    assert refused.error.retry_after_s == 27  # Three transactions have passed, a second each.
    clock.now += timedelta(seconds=27)
    await desk.sent(B)
    await slow(desk, 0)
    await desk.sent(B)


async def test_slow_mode_looks_at_one_message_of_each(desk: Desk, database: Database) -> None:
    """With one statement for all of a batch, and with none where nobody is slowed."""
    await desk.group(A, B, C)
    statements: list[str] = []

    @event.listens_for(database.engine, "before_cursor_execute")
    def note(connection: object, cursor: object, statement: str, *rest: object) -> None:
        statements.append(statement.split()[0])

    await slow(desk, 60)
    for senders, selects in (((A, A), 3), ((B, C), 4)):
        statements.clear()
        await desk.do(*[desk.send(sender) for sender in senders])
        assert statements.count("SELECT") == selects


async def test_a_repeat_is_answered_whatever_is_the_rule_now(desk: Desk) -> None:
    """It was written when it was allowed."""
    await desk.group(A, B)
    command = desk.send(B, key="k")
    sent = (await desk.result(command)).message
    await desk.do(desk.promote(A, B, Role.GUEST), ArchiveConversation(desk.origin(A), "g", True))
    (again,) = await desk.do(command)
    assert (again.result.message, again.result.replayed, again.changes) == (sent, True, ())


async def test_who_may_write_is_a_setting(desk: Desk) -> None:
    """Guests never do."""
    await desk.group(A, B, C)
    await desk.result(UpdateConversation(desk.origin(A), "g", {"post_role": Role.ADMIN}))
    assert await desk.refusal(desk.send(B)) == "ROLE_TOO_LOW"
    await desk.sent(A)
    await desk.result(desk.promote(A, B, Role.ADMIN))
    await desk.sent(B)


async def test_a_forward_passes_on_what_is_there_now(desk: Desk, messages: MessageStore) -> None:
    """What becomes of the message later changes nothing; a forward of the forward passes on the same."""
    await desk.group(A, B)
    await desk.group(B, C, id_="other")
    source = await desk.sent(A, "*words*", format=Format.MARKDOWN, html="<em>", attachments=("file",))
    (outcome,) = await desk.do(forward(desk, B, source.id, "other"))
    assert told(outcome) == [("message-new", 2, "", 0)]
    assert outcome.changes[0].conversation_id == "other"
    passed_on = Forwarded(source.id, "g", A, source.created_at, "*words*", Format.MARKDOWN, "<em>", ("file",))
    await desk.result(desk.delete(A, source.id))
    stored = await messages.get(as_(C), outcome.result.message.id)
    assert (stored.sender_id, stored.text, stored.forwarded) == (B, "see", passed_on)
    again = (await desk.result(forward(desk, B, stored.id, "g", ""))).message
    assert (again.text, again.forwarded) == ("", passed_on)
    assert await desk.refusal(forward(desk, B, source.id, "other")) == "MESSAGE_DELETED"
    tombstone = await desk.result(desk.delete(B, stored.id))
    assert tombstone.forwarded is None


async def test_a_forward_takes_both_ends(desk: Desk) -> None:
    """To see the one, and to write in the other. A repeat is answered with the first."""
    await desk.group(A, B)
    await desk.group(B, C, id_="other")
    source = await desk.sent(A)
    assert await desk.refusal(forward(desk, C, source.id, "other")) == "MESSAGE_NOT_FOUND"
    assert await desk.refusal(forward(desk, A, source.id, "other")) == "CONVERSATION_NOT_FOUND"
    assert await desk.refusal(forward(desk, B, "nothing", "other")) == "MESSAGE_NOT_FOUND"
    command = forward(desk, B, source.id, "other", key="k")
    first, second = await desk.do(command, command)
    assert (second.result.message, second.result.replayed) == (first.result.message, True)
    await desk.result(desk.delete(A, source.id))
    (late,) = await desk.do(command)
    assert late.result == second.result
    assert await desk.refusal(forward(desk, B, source.id, "other", "other", key="k")) == "CLIENT_MSG_ID_CONFLICT"


async def test_what_a_message_carries_is_stored(desk: Desk, messages: MessageStore) -> None:
    """All of it, as it was asked for."""
    await desk.group(A, B)
    about: dict[str, Any] = {"format": Format.MARKDOWN, "html": "<p>", "attachments": ("f1", "f2"), "silent": True}
    sent = await desk.sent(A, "hi", expires_in_s=5, **about)
    stored = await messages.get(as_(B), sent.id)
    assert stored == sent
    assert {name: getattr(stored, name) for name in about} == about
    assert stored.expires_at == stored.created_at + timedelta(seconds=5)


async def test_messages_around_a_number(desk: Desk, messages: MessageStore) -> None:
    """On both sides and itself; fewer at the ends."""
    await desk.group(A, B)
    await desk.do(*[desk.send(A) for _ in range(9)])
    for seq, limit, expected in (
        *((5, 4, [3, 4, 5, 6]), (5, 1, [5]), (5, 3, [4, 5, 6])),
        *((1, 4, [1, 2, 3, 4]), (9, 4, [7, 8, 9]), (99, 4, [7, 8, 9])),
    ):
        span = await messages.around(as_(B), "g", seq, limit)
        assert ([message.seq for message in span.messages], span.last_seq) == (expected, 9)


async def test_some_messages_by_their_ids(desk: Desk, messages: MessageStore) -> None:
    """Those that one may see, of any conversation."""
    await desk.group(A, B)
    await desk.group(B, id_="other")
    one, two, hidden = await desk.sent(A), await desk.sent(B), await desk.sent(B, to="other")
    found = await messages.some(as_(A), [one.id, hidden.id, two.id, "nothing"])
    assert found == {one.id: one, two.id: two}
    assert set(await messages.some(as_(B), [one.id, hidden.id])) == {one.id, hidden.id}
