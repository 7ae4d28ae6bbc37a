"""Rules of polls: who chooses what, until when, and how a message shows it. No I/O, no wire format."""

from collections.abc import Collection, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final

from mesh.errors import Invalid, NotFound, Violation, WrongState
from services.message.command import Command, Origin
from services.message.conversations.domain import Conversation, Member, Role, check_role, check_writable
from services.message.messages.domain import Message, Poll, PollOption, check_there, touched

MAX_NAMED: Final = 50
"""How many of those who chose an option a message names."""


@dataclass(frozen=True, slots=True)
class Vote(Command):
    """Makes this the choice of the actor, in place of any before."""

    message_id: str
    option_ids: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class ClosePoll(Command):
    message_id: str


@dataclass(frozen=True, slots=True)
class Choice:
    """A poll, and what one reader chose."""

    poll: Poll
    option_ids: tuple[str, ...]


def poll_of(message: Message) -> Poll:
    """Raises WrongState (MESSAGE_DELETED), NotFound (POLL_NOT_FOUND)."""
    check_there(message)
    if message.poll is None:
        raise NotFound("POLL_NOT_FOUND", "The message has no poll.")
    return message.poll


def is_closed(poll: Poll, at: datetime) -> bool:
    return poll.closed_at is not None or (poll.closes_at is not None and poll.closes_at <= at)


def check_open(poll: Poll, at: datetime) -> None:
    """Raises WrongState (POLL_CLOSED)."""
    if is_closed(poll, at):
        raise WrongState("POLL_CLOSED", "The poll is closed.")


def chosen(poll: Poll, option_ids: Collection[str]) -> frozenset[str]:
    """The options chosen. Raises Invalid (INVALID_REQUEST) for what the poll does not offer, or not together."""
    wanted = frozenset(option_ids)
    if not wanted <= set(_ids(poll)):
        raise _invalid("vote.option", "must name options of the poll")
    if len(wanted) > 1 and not poll.multiple:
        raise _invalid("vote.one", "must name one option: the poll does not take several")
    return wanted


def voted(message: Message, user_id: str, before: AbstractSet[str], after: AbstractSet[str]) -> Message:
    """The message after somebody's choice became another one. Names may be missing after it, as `short` tells."""
    poll = poll_of(message)
    options = []
    for id_, option in zip(_ids(poll), poll.options, strict=True):
        if id_ in after - before:
            options.append(_with(poll, option, user_id))
        elif id_ in before - after:
            user_ids = tuple(other for other in option.user_ids if other != user_id)
            options.append(replace(option, votes=option.votes - 1, user_ids=user_ids))
        else:
            options.append(option)
    count = poll.voter_count + bool(after) - bool(before)
    return touched(message, poll=replace(poll, options=tuple(options), voter_count=count))


def short(poll: Poll) -> list[str]:
    """The options of which more people could be named than are."""
    if poll.anonymous:
        return []
    options = zip(_ids(poll), poll.options, strict=True)
    return [id_ for id_, option in options if len(option.user_ids) < min(option.votes, MAX_NAMED)]


def refilled(message: Message, option_id: str, user_ids: Sequence[str]) -> Message:
    """The message with the first of those who chose an option, which is no change of its own."""
    poll = poll_of(message)
    options = tuple(
        replace(option, user_ids=tuple(user_ids)) if id_ == option_id else option
        for id_, option in zip(_ids(poll), poll.options, strict=True)
    )
    return replace(message, poll=replace(poll, options=options))


def closed(conversation: Conversation, message: Message, actor: Member, at: datetime) -> Message:
    """The message with its poll closed; the same object when it is closed already.

    Raises Forbidden (ROLE_TOO_LOW), WrongState (MESSAGE_DELETED, CONVERSATION_ARCHIVED), NotFound (POLL_NOT_FOUND).
    """
    if message.sender_id != actor.user_id:
        check_role(actor, Role.ADMIN)
    poll = poll_of(message)
    if is_closed(poll, at):
        return message
    check_writable(conversation)
    return touched(message, poll=replace(poll, closed_at=at))


def told_by(poll: Poll, origin: Origin) -> Origin:
    """Whom a change of the poll names: nobody when it is anonymous, since what changed is what they chose."""
    return Origin(workspace_id=origin.workspace_id) if poll.anonymous else origin


def _ids(poll: Poll) -> list[str]:
    return [str(number) for number in range(1, len(poll.options) + 1)]


def _with(poll: Poll, option: PollOption, user_id: str) -> PollOption:
    is_named = not poll.anonymous and len(option.user_ids) < MAX_NAMED
    user_ids = (*option.user_ids, user_id) if is_named else option.user_ids
    return replace(option, votes=option.votes + 1, user_ids=user_ids)


def _invalid(rule: str, detail: str) -> Invalid:
    broken = [Violation("option_ids", rule, detail)]
    return Invalid("INVALID_REQUEST", f"option_ids {detail}.", violations=broken)
