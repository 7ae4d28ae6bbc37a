"""What every journal promises about reactions: what a message shows of them, and who has it how."""

import pytest
from sqlalchemy import event

from chat.message.v1.change_pb2 import ChangeData
from mesh.database import Database
from mesh.errors import NotFound
from mesh.page import Place
from services.message.conversations.domain import Role
from services.message.feed.domain import Change
from services.message.messages.domain import Reaction
from services.message.messages.store import MessageStore
from services.message.reactions.domain import MAX_ACTORS, MAX_EMOJI, React
from services.message.reactions.store_sql import SqlReactionStore
from tests.contract.message.desk import A, B, C, Desk, as_, told


def add(desk: Desk, actor: str, message_id: str, emoji: str = "+1") -> React:
    return React(desk.origin(actor), message_id, emoji, is_there=True)


def take(desk: Desk, actor: str, message_id: str, emoji: str = "+1") -> React:
    return React(desk.origin(actor), message_id, emoji, is_there=False)


def state(change: Change) -> tuple[str, str, int, list[str]]:
    shown = ChangeData.FromString(change.body).reaction
    return shown.user_id, shown.reaction.emoji, shown.reaction.count, list(shown.reaction.user_ids)


@pytest.fixture
def actors(database: Database) -> SqlReactionStore:
    return SqlReactionStore(database)


async def test_reactions_are_shown_in_the_order_they_came(desk: Desk, messages: MessageStore) -> None:
    """What is there already, or is not there, is answered as it is. Each tells how it stands then."""
    await desk.group(A, B)
    message = await desk.sent(A)
    outcomes = await desk.do(
        *(add(desk, B, message.id), add(desk, A, message.id, "tada"), add(desk, A, message.id)),
        *(add(desk, A, message.id), take(desk, A, message.id, "none")),
    )
    assert [told(outcome) for outcome in outcomes] == [
        *([("reaction-added", pos, "", 0)] for pos in (3, 4, 5)),
        *([], []),
    ]
    assert [state(outcome.changes[0]) for outcome in outcomes[:3]] == [
        *((B, "+1", 1, [B]), (A, "tada", 1, [A]), (A, "+1", 2, [B, A]))
    ]
    assert outcomes[3].result.reaction == Reaction("+1", 2, (B, A))
    assert outcomes[4].result.reaction == Reaction("none", 0, ())
    stored = await messages.get(as_(B), message.id)
    assert stored.reactions == (Reaction("+1", 2, (B, A)), Reaction("tada", 1, (A,)))
    assert (stored.version, stored.etag == message.etag) == (1, False)


async def test_what_was_taken_away_is_gone(desk: Desk, messages: MessageStore, actors: SqlReactionStore) -> None:
    """Also within one batch, and again and again; with the last one the emoji goes."""
    await desk.group(A, B)
    message = await desk.sent(A)
    await desk.result(add(desk, B, message.id))
    kinds = [add, take, add]
    outcomes = await desk.do(take(desk, B, message.id), *[kind(desk, B, message.id) for kind in kinds])
    assert [outcome.changes[0].type for outcome in outcomes] == ["reaction-removed", "reaction-added"] * 2
    assert state(outcomes[0].changes[0]) == (B, "+1", 0, [])
    assert [actor.user_id for actor in (await actors.page(as_(A), message.id, "", None, 9)).items] == [B]
    await desk.do(add(desk, A, message.id, "x"), take(desk, A, message.id, "x"), take(desk, B, message.id))
    assert (await messages.get(as_(A), message.id)).reactions == ()
    assert not (await actors.page(as_(A), message.id, "", None, 9)).items


async def test_a_message_names_the_first_who_reacted(desk: Desk, messages: MessageStore) -> None:
    """Whoever goes makes room for the next."""
    people = [f"person {i:02}" for i in range(MAX_ACTORS + 3)]
    await desk.group(A, *people)
    message = await desk.sent(A)
    await desk.do(*[add(desk, user_id, message.id) for user_id in reversed(people)])
    order = people[::-1]
    shown = (await messages.get(as_(A), message.id)).reactions[0]
    assert (shown.count, shown.user_ids) == (len(people), tuple(order[:MAX_ACTORS]))
    await desk.do(*[take(desk, user_id, message.id) for user_id in (order[0], order[-1], order[5])])
    left = [user_id for i, user_id in enumerate(order) if i not in (0, 5, len(order) - 1)]
    shown = (await messages.get(as_(A), message.id)).reactions[0]
    assert (shown.count, shown.user_ids) == (len(left), tuple(left[:MAX_ACTORS]))


async def test_a_message_takes_so_many_and_no_more(desk: Desk) -> None:
    """Of different ones. More of one that is there are welcome."""
    await desk.group(A, B)
    message = await desk.sent(A)
    await desk.do(*[add(desk, A, message.id, f"e{i}") for i in range(MAX_EMOJI)])
    assert await desk.refusal(add(desk, B, message.id, "one more")) == "QUOTA_REACHED"
    assert (await desk.result(add(desk, B, message.id, "e0"))).reaction.count == 2
    await desk.result(take(desk, A, message.id, "e1"))
    await desk.result(add(desk, B, message.id, "one more"))


async def test_who_cannot_react(desk: Desk) -> None:
    """Strangers and guests, and nobody to a tombstone."""
    await desk.group(A, B)
    await desk.result(desk.add(A, C, role=Role.GUEST))
    message = await desk.sent(A)
    await desk.result(add(desk, B, message.id))
    assert await desk.refusal(add(desk, "stranger", message.id)) == "MESSAGE_NOT_FOUND"
    assert await desk.refusal(add(desk, A, "nothing")) == "MESSAGE_NOT_FOUND"
    assert await desk.refusal(add(desk, C, message.id)) == "ROLE_TOO_LOW"
    await desk.result(desk.delete(A, message.id))
    assert await desk.refusal(add(desk, A, message.id)) == "MESSAGE_DELETED"
    assert await desk.refusal(take(desk, B, message.id)) == "MESSAGE_DELETED"


async def test_reactions_are_read_in_pages(desk: Desk, actors: SqlReactionStore) -> None:
    """In the order they came, all or of one emoji; of a tombstone there are none."""
    await desk.group(A, B, C)
    message = await desk.sent(A)
    for actor, emoji in ((C, "x"), (A, "y"), (B, "x"), (A, "x")):
        await desk.result(add(desk, actor, message.id, emoji))
    every = await actors.page(as_(A), message.id, "", None, 3)
    assert [(actor.user_id, actor.emoji) for actor in every.items] == [(C, "x"), (A, "y"), (B, "x")]
    assert (every.has_prev, every.has_next) == (False, True)
    rest = await actors.page(as_(A), message.id, "", Place((every.items[-1].pos,), back=False), 3)
    assert ([(actor.user_id, actor.emoji) for actor in rest.items], rest.has_next) == ([(A, "x")], False)
    one = await actors.page(as_(B), message.id, "x", None, 9)
    assert [actor.user_id for actor in one.items] == [C, B, A]
    with pytest.raises(NotFound, match="MESSAGE_NOT_FOUND"):
        await actors.page(as_("stranger"), message.id, "", None, 9)
    await desk.result(desk.delete(A, message.id))
    assert not (await actors.page(as_(A), message.id, "", None, 9)).items


async def test_reactions_cost_the_same_statements_however_many_there_are(desk: Desk, database: Database) -> None:
    """However many come in a batch, and however many are there."""
    people = [f"person {i:03}" for i in range(120)]
    await desk.group(A, *people)
    message = await desk.sent(A)
    statements: list[str] = []

    @event.listens_for(database.engine, "before_cursor_execute")
    def note(connection: object, cursor: object, statement: str, *rest: object) -> None:
        statements.append(statement.split()[0])

    expected = ["SELECT"] * 5 + ["INSERT", "UPDATE", "INSERT", "UPDATE"]
    for some in (people[:1], people[1:100], people[100:101]):
        statements.clear()
        await desk.do(*[add(desk, user_id, message.id) for user_id in some])
        assert [word for word in statements if word != "BEGIN"] == expected
