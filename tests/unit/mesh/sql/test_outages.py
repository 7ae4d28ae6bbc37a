"""Which errors of drivers say that a database cannot be used now."""

import sqlite3

import pytest
from sqlalchemy.exc import DBAPIError, TimeoutError

from mesh.sql.outages import is_lost, outage


class DriverError(Exception):
    """As psycopg raises them: with the state that the server gave."""

    def __init__(self, sqlstate: str | None) -> None:
        self.sqlstate = sqlstate


class OperationalError(DriverError):
    """The driver's own, before the server has said anything."""


def wrapped(origin: Exception, *, broken: bool = False) -> DBAPIError:
    return DBAPIError("SELECT 1", {}, origin, connection_invalidated=broken)


@pytest.mark.parametrize("state", ["08006", "25006", "25P03", "53100", "53300", "55P03", "57014", "57P01", "58030"])
def test_what_passes_is_an_outage(state: str) -> None:
    """Connections, space, locks and time that were not to be had, and servers that go or come."""
    told = outage(wrapped(DriverError(state)))
    assert told is not None
    assert (told.reason, told.retry_after_s) == ("UNAVAILABLE", 1)


@pytest.mark.parametrize("state", ["23505", "42P01", "22001", "0A000"])
def test_what_is_wrong_is_none(state: str) -> None:
    """It would be wrong again."""
    assert outage(wrapped(DriverError(state))) is None
    assert not is_lost(wrapped(DriverError(state)))


@pytest.mark.parametrize("state", ["40001", "40P01"])
def test_what_lost_may_be_done_again(state: str) -> None:
    """Lost twice, it is the caller's turn to try again."""
    assert is_lost(wrapped(DriverError(state)))
    assert outage(wrapped(DriverError(state))) is not None


def test_a_server_that_says_nothing_is_gone() -> None:
    """Nobody there, or a connection that broke; but not whatever else a driver refuses."""
    assert outage(wrapped(OperationalError(None))) is not None
    assert outage(wrapped(DriverError(None), broken=True)) is not None
    assert outage(wrapped(DriverError(None))) is None
    assert outage(TimeoutError("no connection was free")) is not None


@pytest.mark.parametrize(
    ("code", "passes"),
    [
        (sqlite3.SQLITE_BUSY, True),
        (sqlite3.SQLITE_FULL, True),
        (sqlite3.SQLITE_IOERR_WRITE, True),
        (sqlite3.SQLITE_ERROR, False),
        (sqlite3.SQLITE_CONSTRAINT_UNIQUE, False),
    ],
)
def test_sqlite_says_it_by_number(code: int, passes: bool) -> None:
    """Extended codes count as what they extend."""
    error = sqlite3.OperationalError("…")
    error.sqlite_errorcode = code
    assert (outage(wrapped(error)) is not None) == passes


def test_what_the_server_said_stays_with_us(capsys: pytest.CaptureFixture[str]) -> None:
    """Callers get no names of servers; the log does."""
    told = outage(wrapped(OperationalError(None)))
    assert "SELECT" not in str(told)
