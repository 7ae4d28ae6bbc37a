"""What every write has in common: a command says what is wanted, by whom, and in which call."""

from collections.abc import Collection
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Origin:
    """The call a command was made in, from the network address of its client. `deadline` is on the monotonic clock.

    Nothing outside of the actor's workspace exists for the command.
    """

    actor_id: str = ""
    workspace_id: str = ""
    correlation_id: str = ""
    traceparent: str = ""
    deadline: float | None = None
    address: str = ""

    @property
    def trace_id(self) -> str:
        """Empty when the call has no trace."""
        return self.traceparent[3:35]


@dataclass(frozen=True, slots=True)
class Command:
    """A wish that the writer carries out in the order of arrival, or refuses.

    The conversation it changes is the one of its field `conversation_id`, that of the message `message_id`, or the dm
    of the two people of `pair`.
    """

    origin: Origin

    @property
    def told_ids(self) -> Collection[str]:
        """The users whose own logs it may write to."""
        return ()

    @property
    def size(self) -> int:
        """About how many bytes it carries beside its ids."""
        return 0


@dataclass(frozen=True, slots=True)
class OwnCommand(Command):
    """A command that the actor's own log tells of."""

    @property
    def told_ids(self) -> Collection[str]:
        return (self.origin.actor_id,)
