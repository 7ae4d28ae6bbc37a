"""How the journal carries out what stands in the order of commits, though it writes no change."""

from collections import defaultdict
from collections.abc import Mapping

from sqlalchemy import bindparam, update

from services.message.command import Command
from services.message.feed.domain import Attach, MarkPublished
from services.message.feed.reads_sql import read_heads
from services.message.journal import Outcome
from services.message.tables import changes
from services.message.unit_sql import Handler, Unit

_MARK = update(changes).where(changes.c.id.in_(bindparam("ids", expanding=True))).values(published=1)


def attach(unit: Unit, commands: list[Attach]) -> list[Outcome]:
    unit.flush()  # The heads are to tell of what stands before in the batch.
    actors: defaultdict[str, set[str]] = defaultdict(set)
    for command in commands:
        actors[command.origin.workspace_id].add(command.origin.actor_id)
    heads = {workspace_id: read_heads(unit.connection, workspace_id, ids) for workspace_id, ids in actors.items()}
    return [Outcome(heads[command.origin.workspace_id][command.origin.actor_id]) for command in commands]


def mark_published(unit: Unit, commands: list[MarkPublished]) -> list[Outcome]:
    unit.connection.execute(_MARK, {"ids": [id_ for command in commands for id_ in command.ids]})
    return [Outcome() for _ in commands]


HANDLERS: Mapping[type[Command], Handler] = {Attach: attach, MarkPublished: mark_published}
