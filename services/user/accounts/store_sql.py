"""Accounts in SQL. Unique indexes decide who gets a name."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, fields

from sqlalchemy import Connection, RowMapping, exists, func, insert, select, update
from sqlalchemy.exc import IntegrityError

from chat.event.v1.user_events_pb2 import UserRegistered
from mesh.database import Database
from mesh.errors import Conflict
from services.user import outbox_sql
from services.user.accounts.domain import Account, Credentials, Kind, Role, email_key, is_email
from services.user.accounts.wire import to_user
from services.user.tables import users

_STORED = [field.name for field in fields(Account) if field.name != "has_second_factor"]
COLUMNS = [*(users.c[name] for name in _STORED), (func.length(users.c.totp_secret) > 0).label("has_second_factor")]


class SqlAccountStore:
    def __init__(self, database: Database) -> None:
        self._database = database

    async def add(self, account: Account, password_hash: str) -> None:
        source = outbox_sql.origin()

        def work(connection: Connection) -> None:
            row = {name: value for name, value in asdict(account).items() if name in _STORED}
            row |= {"email_key": email_key(account.email) or None, "password_hash": password_hash}
            connection.execute(insert(users).values(last_pos=0, totp_secret=b"", totp_step=0, **row))
            outbox_sql.append(
                connection,
                account.id,
                lambda pos: UserRegistered(pos=pos, user=to_user(account)),
                account.created_at,
                source,
            )

        try:
            await self._database.write(work)
        except IntegrityError:
            # Asked only now and in a transaction of its own: PostgreSQL has given up the one that failed.
            if await self._taken(account.workspace_id, "username", account.username):
                raise Conflict("USERNAME_TAKEN", "Another account has this username.") from None
            if await self._taken(account.workspace_id, "email_key", email_key(account.email)):
                raise Conflict("EMAIL_TAKEN", "Another account has this mail address.") from None
            raise

    async def find(self, workspace_id: str, ids: Sequence[str]) -> Mapping[str, Account]:
        query = select(*COLUMNS).where(users.c.workspace_id == workspace_id, users.c.id.in_(ids))
        rows = await self._database.read(lambda connection: connection.execute(query).mappings().all())
        return {row["id"]: to_domain(row) for row in rows}

    async def credentials(self, workspace_id: str, login: str) -> Credentials | None:
        name = users.c.email_key == email_key(login) if is_email(login) else users.c.username == login.lower()
        query = select(*COLUMNS, users.c.password_hash).where(users.c.workspace_id == workspace_id, name)
        row = await self._database.read(lambda connection: connection.execute(query).mappings().first())
        return None if row is None else Credentials(to_domain(row), row["password_hash"])

    async def replace_password_hash(self, account_id: str, old: str, new: str) -> None:
        here = (users.c.id == account_id) & (users.c.password_hash == old)
        change = update(users).where(here).values(password_hash=new)
        await self._database.write(lambda connection: connection.execute(change))

    async def _taken(self, workspace_id: str, column: str, value: str) -> bool:
        query = select(exists().where(users.c.workspace_id == workspace_id, users.c[column] == value))
        return bool(await self._database.read(lambda connection: connection.execute(query).scalar()))


def to_domain(row: RowMapping) -> Account:
    """The account of a row of `COLUMNS`."""
    values = {field.name: row[field.name] for field in fields(Account)}
    return Account(**values | {"role": Role(row["role"]), "kind": Kind(row["kind"])})
