"""Accounts as rows, and how they are read."""

from dataclasses import asdict, fields
from typing import Any

from sqlalchemy import Connection, Row, RowMapping, Select, func, or_, select

from mesh.errors import NotFound
from mesh.keyset_sql import read_slice
from mesh.page import Place, Slice
from services.user.accounts.domain import Account, Kind, Role, email_key, name_key
from services.user.tables import users

_STORED = [field.name for field in fields(Account) if field.name != "has_second_factor"]
COLUMNS = [*(users.c[name] for name in _STORED), (func.length(users.c.totp_secret) > 0).label("has_second_factor")]


def to_domain(row: RowMapping) -> Account:
    """The account of a row of `COLUMNS`."""
    values = {field.name: row[field.name] for field in fields(Account)}
    return Account(**values | {"role": Role(row["role"]), "kind": Kind(row["kind"])})


def to_row(account: Account) -> dict[str, Any]:
    """All that is stored of an account itself."""
    row = {name: value for name, value in asdict(account).items() if name in _STORED}
    return row | {"email_key": email_key(account.email) or None, "name_key": name_key(account.full_name)}


def select_account(workspace_id: str, account_id: str) -> Select[Any]:
    return select(*COLUMNS).where(users.c.workspace_id == workspace_id, users.c.id == account_id)


def read_page(connection: Connection, workspace_id: str, q: str, place: Place | None, limit: int) -> Slice[Account]:
    """Who is active in the workspace, by username; those whose username or a word of whose name begins with `q`."""
    query = select(*COLUMNS).where(users.c.workspace_id == workspace_id, users.c.is_active)
    if q:
        words = " ".join(q.casefold().split())
        by_username = users.c.username.startswith(q.lower(), autoescape=True)
        by_name = users.c.name_key.contains(f" {words}", autoescape=True)
        query = query.where(or_(by_username, by_name) if words else by_username)
    found: Slice[Row[Any]] = read_slice(connection, query, [users.c.username], place, limit)
    return Slice([to_domain(row._mapping) for row in found.items], found.has_prev, found.has_next)


def lock(connection: Connection, workspace_id: str, account_id: str) -> Account:
    """The account, which nobody else changes until the transaction ends. Raises NotFound (USER_NOT_FOUND)."""
    # Rows that refer to it may be made meanwhile: two who block each other would wait for each other.
    query = select_account(workspace_id, account_id).with_for_update(key_share=True)
    row = connection.execute(query).mappings().first()
    if row is None:
        raise NotFound("USER_NOT_FOUND", "There is no such user.")
    return to_domain(row)
