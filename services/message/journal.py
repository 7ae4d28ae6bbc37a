"""The port through which all writes of the service pass, and what became of each."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from mesh.errors import Error
from services.message.command import Command
from services.message.feed.domain import Change


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a command came to: a result and the changes it made, or the error that refused it."""

    result: Any = None
    changes: Sequence[Change] = ()
    error: Error | None = None


class Journal(Protocol):
    """Where commands become facts."""

    async def commit(self, commands: Sequence[Command]) -> Sequence[Outcome]:
        """Carries the commands out in their order and answers one outcome for each, in the same order.

        - All or nothing: when this returns, everything is on disk; when it raises, nothing was changed.
        - A command that breaks a rule is refused alone, and leaves no trace.
        - `seq` and `pos` are given here, in the same transaction as what they number, and never have a gap.

        Raises mesh errors when the store cannot be used now; anything else may be the fault of a single command.
        """
        ...
