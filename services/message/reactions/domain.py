"""Rules of reactions, and how a message shows them. No I/O, no wire format."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from mesh.errors import WrongState
from services.message.command import Command
from services.message.messages.domain import Message, Reaction, touched

MAX_EMOJI = 20
"""How many different ones a message takes."""
MAX_ACTORS = 50
"""How many of those who reacted a message names."""


@dataclass(frozen=True, slots=True)
class React(Command):
    """Adds a reaction of the actor, or takes it away."""

    message_id: str
    emoji: str
    is_there: bool


@dataclass(frozen=True, slots=True)
class State:
    """How one reaction stands after it came or went."""

    message: Message
    reaction: Reaction
    user_id: str


@dataclass(frozen=True, slots=True)
class Actor:
    """One reaction of one user. `pos` puts them in order."""

    emoji: str
    user_id: str
    created_at: datetime
    pos: int


def shown(message: Message, emoji: str) -> Reaction:
    """How a message shows an emoji: with nobody when it is not there."""
    return next((reaction for reaction in message.reactions if reaction.emoji == emoji), Reaction(emoji, 0, ()))


def check_room(message: Message, emoji: str) -> None:
    """Raises WrongState (QUOTA_REACHED)."""
    if len(message.reactions) >= MAX_EMOJI and not shown(message, emoji).count:
        raise WrongState("QUOTA_REACHED", f"A message takes {MAX_EMOJI} different reactions.")


def added(message: Message, emoji: str, user_id: str) -> Message:
    """The message with one more reaction, of somebody who had none of this emoji."""
    before = shown(message, emoji)
    user_ids = before.user_ids if len(before.user_ids) >= MAX_ACTORS else (*before.user_ids, user_id)
    return _with(message, Reaction(emoji, before.count + 1, user_ids))


def removed(message: Message, emoji: str, user_id: str) -> Message:
    """The message with one reaction less. Names may be missing after it, as `is_short` tells."""
    before = shown(message, emoji)
    user_ids = tuple(id_ for id_ in before.user_ids if id_ != user_id)
    return _with(message, Reaction(emoji, before.count - 1, user_ids))


def is_short(reaction: Reaction) -> bool:
    """Whether more could be named than are."""
    return len(reaction.user_ids) < min(reaction.count, MAX_ACTORS)


def refilled(message: Message, emoji: str, user_ids: Sequence[str]) -> Message:
    """The message with the first of those who reacted, which is no change of its own."""
    reaction = Reaction(emoji, shown(message, emoji).count, tuple(user_ids))
    return _with(message, reaction, is_change=False)


def _with(message: Message, reaction: Reaction, *, is_change: bool = True) -> Message:
    there = {one.emoji: one for one in message.reactions} | {reaction.emoji: reaction}
    reactions = tuple(one for one in there.values() if one.count)
    return touched(message, reactions=reactions) if is_change else replace(message, reactions=reactions)
