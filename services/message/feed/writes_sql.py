"""How the journal carries out what stands in the order of commits, though it writes no change."""

from collections import defaultdict
from collections.abc import Mapping

from sqlalchemy import bindparam, update

from services.message.command import Command
from services.message.feed.domain import Attach, MarkPublished
from services.message.feed.reads_sql import read_heads
from services.message.journal import Outcome
from services.message.tables import changes, user_changes
from services.message.unit_sql import Handler, Unit

_MARK = update(changes).where(changes.c.id.in_(bindparam("ids", expanding=True))).values(published=1)

_MARK_RECEIPTS = (
    update(user_changes)
    .where(user_changes.c.user_id == bindparam("key_user"), user_changes.c.pos == bindparam("key_pos"))
    .values(published=1)
)


def attach(unit: Unit, commands: list[Attach]) -> list[Outcome]:
    unit.flush()  # The heads are to tell of what stands before in the batch.
    actors: defaultdict[str, set[str]] = defaultdict(set)
    for command in commands:
        actors[command.origin.workspace_id].add(command.origin.actor_id)
    heads = {workspace_id: read_heads(unit.connection, workspace_id, ids) for workspace_id, ids in actors.items()}
    return [Outcome(heads[command.origin.workspace_id][command.origin.actor_id]) for command in commands]


def mark_published(unit: Unit, commands: list[MarkPublished]) -> list[Outcome]:
    if ids := [id_ for command in commands for id_ in command.ids]:
        unit.connection.execute(_MARK, {"ids": ids})
    if receipts := [{"key_user": user, "key_pos": pos} for command in commands for user, pos in command.receipts]:
        unit.connection.execute(_MARK_RECEIPTS, receipts)
    return [Outcome() for _ in commands]


HANDLERS: Mapping[type[Command], Handler] = {Attach: attach, MarkPublished: mark_published}
