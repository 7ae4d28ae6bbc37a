"""Bots in SQL: accounts with an owner."""

from datetime import datetime

from sqlalchemy import ColumnElement, Connection, exists, func, insert, select
from sqlalchemy.exc import IntegrityError

from chat.event.v1.user_events_pb2 import UserRegistered
from mesh.audit.entry import entry
from mesh.audit.log import Trail, note
from mesh.database import Database
from mesh.errors import Conflict
from mesh.keyset_sql import read_slice
from mesh.page import Place, Slice
from services.user import outbox_sql
from services.user.accounts.domain import Account, Kind
from services.user.accounts.erasure_sql import erase
from services.user.accounts.reads_sql import COLUMNS, lock, to_domain, to_row
from services.user.accounts.wire import to_user
from services.user.bots.domain import check_quota, no_bot
from services.user.sessions.writes_sql import lock_user
from services.user.tables import users


class SqlBotStore:
    def __init__(self, database: Database, trail: Trail) -> None:
        self._database = database
        self._trail = trail

    async def add(self, bot: Account) -> None:
        assert bot.owner_id is not None
        owner_id, now, source = bot.owner_id, bot.created_at, outbox_sql.origin()
        noted = entry("user.registered", subject_id=bot.id, at=now, kind=bot.kind)

        def work(connection: Connection) -> None:
            if not lock_user(connection, owner_id):
                raise no_bot()
            check_quota(connection.scalar(select(func.count()).where(_owned(bot.workspace_id, owner_id))) or 0)
            empty = {"password_hash": "", "last_pos": 0, "totp_secret": b"", "totp_step": 0}
            connection.execute(insert(users).values(to_row(bot) | empty))
            user = to_user(bot, now)
            outbox_sql.append(connection, bot.id, lambda pos: UserRegistered(pos=pos, user=user), now, source)
            note(connection, self._trail, noted)

        try:
            await self._database.write(work)
        except IntegrityError:
            if await self._is_taken(bot):
                raise Conflict("USERNAME_TAKEN", "Another account has this username.") from None
            raise

    async def page(self, workspace_id: str, owner_id: str, place: Place | None, limit: int) -> Slice[Account]:
        query = select(*COLUMNS).where(_owned(workspace_id, owner_id))
        found = await self._database.read(
            lambda connection: read_slice(connection, query, [users.c.id], place, limit, falling=True)
        )
        return Slice([to_domain(row._mapping) for row in found.items], found.has_prev, found.has_next)

    async def erase(self, workspace_id: str, bot_id: str, now: datetime) -> None:
        source, noted = outbox_sql.origin(), entry("user.erased", subject_id=bot_id, at=now)

        def work(connection: Connection) -> None:
            bot = lock(connection, workspace_id, bot_id)
            if bot.kind != Kind.BOT:
                raise no_bot()
            if bot.erased_at is None:
                erase(connection, bot, now, source)
                note(connection, self._trail, noted)

        await self._database.write(work)

    async def _is_taken(self, bot: Account) -> bool:
        same = exists().where(users.c.workspace_id == bot.workspace_id, users.c.username == bot.username)
        return bool(await self._database.read(lambda connection: connection.scalar(select(same))))


def _owned(workspace_id: str, owner_id: str) -> ColumnElement[bool]:
    return (users.c.workspace_id == workspace_id) & (users.c.owner_id == owner_id) & users.c.erased_at.is_(None)
