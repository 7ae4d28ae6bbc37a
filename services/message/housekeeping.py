"""What goes on beside the calls. Most of it is for one process of those that share a database to do."""

from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import datetime

from mesh.call.instances import may_be_several
from mesh.database import Database
from mesh.events.relay import OutboxRelay
from mesh.idempotency.store_sql import SqlIdempotencyStore
from mesh.service import Mesh
from mesh.sql.leader import leading
from mesh.sweeper import sweeping
from services.message.command import Command
from services.message.conversations.blocks import GROUP, TOPIC, Blocks
from services.message.conversations.erasure_sql import Erasure
from services.message.feed.domain import SCHEDULED_UPDATED, Change
from services.message.invites.store_sql import SqlInviteStore
from services.message.journal import Outcome
from services.message.messages.purge_sql import Purge
from services.message.messages.wire import ProfileOf
from services.message.outbox_sql import TOPICS, SqlOutbox, SqlReceipts
from services.message.previews.runner import Previews
from services.message.schedule.runner import LOOK_S, Runner
from services.message.schedule.store_sql import SqlScheduleStore
from services.message.search.index_sql import SqlIndex
from services.message.search.indexer import Indexer
from services.message.tables import idempotency_keys
from services.message.writer import Writer

EXPIRY_S = 1.0
"""How long messages may stand that are to end by themselves, after it is time."""
OTHERS_S = 1.0
"""How often who leads looks for what another process has committed."""

Look = Callable[[Command, Outcome], None]


def is_heard(mesh: Mesh) -> bool:
    """Whether what is committed goes through the outbox. It does where others may commit too: the index follows it."""
    return may_be_several(mesh.settings.message_address) or mesh.bus.is_heard(TOPICS)


class Housekeeping:
    """Relays the outboxes, sends planned messages, keeps the index, and removes what is over; looks at links too."""

    def __init__(
        self,
        mesh: Mesh,
        database: Database,
        writer: Writer,
        profile_of: ProfileOf,
        *,
        clock: Callable[[], datetime],
        new_id: Callable[[], str],
    ) -> None:
        self._mesh, self._database, self._writer, self._profile_of = mesh, database, writer, profile_of
        self._clock, self._new_id = clock, new_id
        self.repeated = SqlIdempotencyStore(database, idempotency_keys)
        self._leads: Look = _ignore
        self._looks: Look = _ignore

    def note(self, command: Command, outcome: Outcome) -> None:
        """Takes what was committed here. Costs next to nothing."""
        self._leads(command, outcome)
        self._looks(command, outcome)

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Runs until the context is left."""
        async with AsyncExitStack() as stack:
            self._looks = await stack.enter_async_context(_previews(self._mesh, self._writer))
            await stack.enter_async_context(leading(self._database, "housekeeping", self._leading))
            await stack.enter_async_context(self._mesh.bus.consume(GROUP, [TOPIC], Blocks(self._writer).handle))
            yield

    @asynccontextmanager
    async def _leading(self) -> AsyncIterator[None]:
        mesh, database, writer = self._mesh, self._database, self._writer
        shared = may_be_several(mesh.settings.message_address)
        indexer = Indexer(SqlIndex(database))
        outbox = SqlOutbox(database, writer, self._profile_of, seen=indexer.see if shared else _overlook)
        relay = OutboxRelay(outbox, mesh.bus, "/chat/message", waiting=mesh.metrics.outbox_rows("message").set)
        receipts = OutboxRelay(SqlReceipts(database, writer), mesh.bus, "/chat/message")
        runner = Runner(
            SqlScheduleStore(database),
            writer,
            clock=self._clock,
            new_id=self._new_id,
            look_s=OTHERS_S if shared else LOOK_S,
        )
        purge = Purge(database, writer)
        over = [self.repeated.sweep, purge.deleted, SqlInviteStore(database).sweep, Erasure(database).sweep]
        due = sweeping([purge.expired], clock=self._clock, pause_s=EXPIRY_S)

        def note(_: Command, outcome: Outcome) -> None:
            indexer.note(outcome)
            if not outcome.changes:
                return
            if is_heard(mesh):
                relay.wake()
            for change in outcome.changes:
                if change.is_receipt:
                    receipts.wake()
                elif change.type == SCHEDULED_UPDATED:
                    runner.wake()

        self._leads = note
        try:
            async with relay, receipts, sweeping(over, clock=self._clock), due, runner.running(), indexer.running():
                yield
        finally:
            self._leads = _ignore


@asynccontextmanager
async def _previews(mesh: Mesh, writer: Writer) -> AsyncIterator[Look]:
    """What is to be told of commits, so that pages are looked at where the installation wants it."""
    if not mesh.settings.previews:
        yield _ignore
        return
    from services.message.previews.fetch import Fetcher  # Only who makes previews pays for a client of HTTP.

    async with Fetcher() as fetcher:
        previews = Previews(fetcher.preview, writer, mesh.metrics.previews_dropped.inc)
        async with previews.running():
            yield previews.note


def _ignore(command: Command, outcome: Outcome) -> None:
    """Nothing is to be done here."""


def _overlook(change: Change) -> None:
    """It was committed here, and noted then."""
