"""How the journal carries out what is done with polls, one at a time."""

from collections.abc import Mapping

from sqlalchemy import bindparam, delete, insert, select

from services.message.command import Command, Origin
from services.message.conversations.domain import check_posts
from services.message.feed.domain import POLL_UPDATED
from services.message.journal import Outcome
from services.message.messages.domain import Message
from services.message.messages.reads_sql import conversation_of, present
from services.message.messages.update_sql import UPDATE, changed
from services.message.polls import domain
from services.message.polls.domain import MAX_NAMED, ClosePoll, Vote
from services.message.polls.reads_sql import read_choice
from services.message.rows import poll_text
from services.message.tables import poll_votes
from services.message.unit_sql import Handler, Unit, advanced, each

_INSERT = insert(poll_votes)
_DELETE = delete(poll_votes).where(
    poll_votes.c.message_id == bindparam("key_message"),
    poll_votes.c.user_id == bindparam("key_user"),
    poll_votes.c.option_id == bindparam("key_option"),
)
_FIRST = (
    select(poll_votes.c.user_id)
    .where(poll_votes.c.message_id == bindparam("id"), poll_votes.c.option_id == bindparam("option_id"))
    .order_by(poll_votes.c.pos)
    .limit(MAX_NAMED)
)


def vote(unit: Unit, command: Vote) -> Outcome:
    """Answers the message."""
    conversation, message, actor = present(unit, command.message_id, command.origin)
    poll = domain.poll_of(message)
    after = domain.chosen(poll, command.option_ids)
    before = read_choice(unit.connection, message, actor.user_id)
    if before == after:
        return Outcome(message)
    check_posts(conversation, actor)
    domain.check_open(poll, unit.at)
    about = {"message_id": message.id, "workspace_id": message.workspace_id, "user_id": actor.user_id}
    if gone := [{"key_message": message.id, "key_user": actor.user_id, "key_option": id_} for id_ in before - after]:
        unit.connection.execute(_DELETE, gone)
    pos = conversation.last_pos + 1
    if new := [{**about, "option_id": id_, "pos": pos} for id_ in after - before]:
        unit.connection.execute(_INSERT, new)
    return _told(unit, command.origin, _named(unit, domain.voted(message, actor.user_id, before, after)))


def close(unit: Unit, command: ClosePoll) -> Outcome:
    """Answers the message."""
    conversation, message, actor = present(unit, command.message_id, command.origin)
    closed = domain.closed(conversation, message, actor, unit.at)
    return Outcome(message) if closed is message else _told(unit, command.origin, closed)


def _named(unit: Unit, message: Message) -> Message:
    """The message with as many names as there can be."""
    for option_id in domain.short(domain.poll_of(message)):
        first = unit.connection.scalars(_FIRST, {"id": message.id, "option_id": option_id}).all()
        message = domain.refilled(message, option_id, first)
    return message


def _told(unit: Unit, origin: Origin, message: Message) -> Outcome:
    poll = domain.poll_of(message)
    unit.connection.execute(UPDATE, changed(message, poll=poll_text(poll)))
    conversation = advanced(conversation_of(unit, message))
    change = unit.change(POLL_UPDATED, conversation, domain.told_by(poll, origin), message=message)
    return Outcome(message, (change,))


HANDLERS: Mapping[type[Command], Handler] = {Vote: each(vote), ClosePoll: each(close)}
