"""What every journal promises about what is read, edited, deleted and answered."""

from sqlalchemy import event

from mesh.database import Database
from services.message.conversations.domain import ReadMark
from services.message.feed.store import FeedStore
from services.message.messages.store import MessageStore
from tests.contract.message.desk import A, B, C, Desk, as_, told


async def test_read_marks_only_move_forward(desk: Desk) -> None:
    """Only a move is told: to the reader's own log, and to the others in passing."""
    await desk.group(A, B)
    for text in "xyz":
        await desk.sent(A, text)
    (outcome,) = await desk.do(desk.read(B, 2))
    assert outcome.result == ReadMark("g", 2, 1, 0)
    assert told(outcome) == [("unread-updated", 0, B, 2), ("receipt-read", 0, "", 0)]
    assert outcome.changes[1].except_user_id == B
    (back,) = await desk.do(desk.read(B, 1))
    assert (back.result, back.changes) == (ReadMark("g", 2, 1, 0), ())
    assert await desk.result(desk.read(B, 99)) == ReadMark("g", 3, 0, 0)
    assert await desk.refusal(desk.read(C, 1)) == "CONVERSATION_NOT_FOUND"


async def test_an_edit_keeps_number_and_makes_a_version(desk: Desk, messages: MessageStore) -> None:
    """The same text is no edit."""
    await desk.group(A, B)
    message = await desk.sent(A, "old")
    (same,) = await desk.do(desk.edit(A, message.id, "old"))
    assert (same.result, same.changes) == (message, ())
    (outcome,) = await desk.do(desk.edit(A, message.id, "new"))
    assert told(outcome) == [("message-updated", 3, "", 0)]
    stored = await messages.get(as_(B), message.id)
    assert stored == outcome.result
    assert (stored.text, stored.version, stored.seq, stored.created_at) == ("new", 2, 1, message.created_at)
    assert await desk.refusal(desk.edit(B, message.id, "x")) == "NOT_AUTHOR"
    assert await desk.refusal(desk.edit(C, message.id, "x")) == "MESSAGE_NOT_FOUND"
    assert await desk.refusal(desk.edit(A, "nothing", "x")) == "MESSAGE_NOT_FOUND"


async def test_a_deleted_text_is_gone_from_everywhere(desk: Desk, messages: MessageStore, feed: FeedStore) -> None:
    """From the message and from what the log says of its past; a second deletion tells nothing."""
    await desk.group(A, B)
    message = await desk.sent(B, "secret one")
    await desk.do(desk.edit(B, message.id, "secret two"))
    (outcome,) = await desk.do(desk.delete(A, message.id))
    assert told(outcome) == [("message-deleted", 4, "", 0)]
    stored = await messages.get(as_(B), message.id)
    assert (stored.text, stored.metadata, stored.deleted_by, stored.seq) == ("", {}, A, 1)
    for change in await feed.changes(as_(A), [("g", 2), ("g", 3), ("g", 4)]):
        assert change.message == stored
        assert change.body == b""
    (again,) = await desk.do(desk.delete(A, message.id))
    assert (again.result, again.changes) == (stored, ())
    assert await desk.refusal(desk.edit(B, message.id, "x")) == "MESSAGE_DELETED"


async def test_replies_stay_in_their_conversation(desk: Desk) -> None:
    """The target may stand in the same batch; a deleted one is still a target; a foreign one is none."""
    await desk.group(A, B)
    await desk.group(A, id_="other")
    target = desk.send(A, "target")
    outcomes = await desk.do(target, desk.send(A, "answer", reply_to=target.id))
    assert outcomes[1].result.message.reply_to == target.id
    await desk.do(desk.delete(A, target.id))
    assert (await desk.sent(B, "late", reply_to=target.id)).reply_to == target.id
    assert await desk.refusal(desk.send(A, "x", "other", reply_to=target.id)) == "REPLY_NOT_FOUND"


async def test_commands_on_what_is_not_there_are_refused_each(desk: Desk) -> None:
    """A conversation that does not exist looks like one that is not one's own."""
    for command in (desk.send(A), desk.read(A, 1), desk.rename(A, "x"), desk.add(A, B), desk.remove(A, A)):
        assert await desk.refusal(command) == "CONVERSATION_NOT_FOUND"


async def test_a_batch_of_sends_costs_the_same_statements_however_long_it_is(desk: Desk, database: Database) -> None:
    """Locks, members and repeats are read at once, messages and changes written at once: what a send waits for."""
    await desk.group(A, B)
    statements: list[str] = []

    @event.listens_for(database.engine, "before_cursor_execute")
    def note(connection: object, cursor: object, statement: str, *rest: object) -> None:
        statements.append(statement.split()[0])

    for size in (1, 50):
        statements.clear()
        await desk.do(*[desk.send(sender) for sender in (A, B) * size])
        counted = [word for word in statements if word != "BEGIN"]
        assert counted == ["SELECT", "SELECT", "SELECT", "INSERT", "INSERT", "UPDATE"]
