"""Statements of the hot path: their text is made once, and goes to the driver by itself.

What SQLAlchemy does around a statement takes ten times as long as SQLite takes for a row.
"""

from collections import namedtuple
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, Dialect, LargeBinary, Select
from sqlalchemy.exc import DBAPIError
from sqlalchemy.sql import ClauseElement
from sqlalchemy.types import TypeEngine

Values = Mapping[str, Any]
Row = Values | tuple[Any, ...]
"""By name; or in the order of the columns of an insert, which takes less time."""
_Convert = Callable[[Any], Any]


@dataclass(frozen=True, slots=True)
class _Form:
    """A statement as the driver of one kind of database takes it."""

    text: str
    names: tuple[str, ...]
    is_positional: bool
    fixed: Values
    """Values that stand in the statement."""
    into: Sequence[tuple[int, _Convert]]
    """By place, how values become those of the driver; others are the same."""
    out_of: Sequence[tuple[int, _Convert]]
    """The same for columns of rows."""
    row: Callable[[Sequence[Any]], Any]
    places: Sequence[int]
    """By name, where it stands in a row in the order of columns, with the fixed values after them."""

    def bound(self, values: Row) -> Any:
        if isinstance(values, tuple):
            whole = (*values, *self.fixed.values())
            found = [whole[place] for place in self.places]
        else:
            if self.fixed:
                values = {**self.fixed, **values}
            found = [values[name] for name in self.names]
        for place, convert in self.into:
            found[place] = convert(found[place])
        return found if self.is_positional else dict(zip(self.names, found, strict=True))

    def read(self, found: Sequence[Any]) -> Any:
        if not self.out_of:
            return self.row(found)
        values = list(found)
        for place, convert in self.out_of:
            values[place] = convert(values[place])
        return self.row(values)


class Prepared:
    """A Core statement that takes its values by name, and always the same ones: those of `columns` when it writes.

    It holds no list that expands, which would be another text for each length. To be carried out inside of a
    transaction. Errors are those of SQLAlchemy, and its listeners for
    `before_cursor_execute` are told, without a context.
    """

    def __init__(self, statement: ClauseElement, columns: Sequence[str] | None = None) -> None:
        self._statement = statement
        self._columns = columns
        self._forms: dict[str, _Form] = {}

    def rows(self, connection: Connection, values: Values) -> list[Any]:
        """What it finds, as named tuples. Of columns that share a name the first one has it."""
        return self.ask(connection, values).rows()

    def ask(self, connection: Connection, values: Values) -> "Answer":
        """The same, to be read later: for a pipeline (mesh/sql/pipeline.py), once that has been left."""
        form = self._form(connection.dialect)
        return Answer(connection, form, _carry_out(connection, form, (values,)))

    def run(self, connection: Connection, rows: Sequence[Row]) -> int:
        """Carries it out for each of `rows`; answers how many rows of the table that changed, in a pipeline nothing."""
        cursor = _carry_out(connection, self._form(connection.dialect), rows)
        changed: int = cursor.rowcount
        cursor.close()
        return changed

    def _form(self, dialect: Dialect) -> _Form:
        form = self._forms.get(dialect.name)
        if form is None:
            form = self._forms[dialect.name] = _compiled(self._statement, self._columns, dialect)
        return form


class Answer:
    """What a statement found."""

    __slots__ = ("_connection", "_cursor", "_form", "_found")

    def __init__(self, connection: Connection, form: _Form, cursor: Any) -> None:
        self._connection, self._form, self._cursor = connection, form, cursor
        # SQLite looks for rows as they are read, which may be after the next statements.
        self._found = self._fetch() if connection.dialect.name == "sqlite" else None

    def rows(self) -> list[Any]:
        """As named tuples; to be called once."""
        found = self._fetch() if self._found is None else self._found
        return [self._form.read(row) for row in found]

    def _fetch(self) -> list[Any]:
        try:
            found: list[Any] = self._cursor.fetchall()
        except self._connection.dialect.loaded_dbapi.Error as error:
            raise told(error, self._connection, self._cursor.connection) from error
        finally:
            self._cursor.close()
        return found


def told(error: Any, connection: Connection, driver: Any) -> DBAPIError:
    """An error of the driver as one of SQLAlchemy, which is told when the connection has gone."""
    dialect = connection.dialect
    base: Any = dialect.loaded_dbapi.Error
    is_gone = dialect.is_disconnect(error, driver, None)
    if is_gone:
        connection.invalidate(error)
    found: Any = DBAPIError.instance(
        None, None, error, base, hide_parameters=True, connection_invalidated=is_gone, dialect=dialect
    )
    return found  # type: ignore[no-any-return]


def _carry_out(connection: Connection, form: _Form, rows: Sequence[Row]) -> Any:
    driver: Any = connection.connection.driver_connection
    cursor, many = driver.cursor(), len(rows) != 1
    values = [form.bound(row) for row in rows]
    bound = values if many else values[0]
    if listeners := connection.engine.dispatch.before_cursor_execute:
        listeners(connection, cursor, form.text, bound, None, many)
    try:
        (cursor.executemany if many else cursor.execute)(form.text, bound)
    except connection.dialect.loaded_dbapi.Error as error:
        cursor.close()
        raise told(error, connection, driver) from error
    return cursor


def _compiled(statement: ClauseElement, columns: Sequence[str] | None, dialect: Dialect) -> _Form:
    options: Any = {} if columns is None else {"column_keys": columns, "for_executemany": True}
    compiled: Any = statement.compile(dialect=dialect, **options)
    binds = {name: bind for bind, name in compiled.bind_names.items()}
    names = tuple(compiled.positiontup or binds)
    into = [(place, _into(binds[name].type, dialect)) for place, name in enumerate(names)]
    found = list(statement.selected_columns) if isinstance(statement, Select) else []
    out_of = [(i, c.type.dialect_impl(dialect).result_processor(dialect, None)) for i, c in enumerate(found)]
    row = namedtuple("Row", [c.name for c in found], rename=True)  # type: ignore[misc]
    fixed = {name: value for name, value in compiled.params.items() if not binds[name].required}
    in_row = [*(columns or ()), *fixed]
    return _Form(
        compiled.string,
        names,
        bool(compiled.positional),
        fixed,
        [(place, convert) for place, convert in into if convert is not None],
        [(place, convert) for place, convert in out_of if convert is not None],
        row._make,
        [in_row.index(name) for name in names if name in in_row],
    )


def _into(kind: TypeEngine[Any], dialect: Dialect) -> _Convert | None:
    if isinstance(kind, LargeBinary):
        return None  # Drivers take bytes as they are.
    return kind.dialect_impl(dialect).bind_processor(dialect)
