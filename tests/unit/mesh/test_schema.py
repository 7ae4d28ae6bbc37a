"""Moments in the database."""

from datetime import UTC, datetime, timedelta, timezone

import pytest
from sqlalchemy import create_engine, literal, select

from mesh.schema import Instant


@pytest.mark.parametrize(
    "moment",
    [
        datetime(2027, 1, 15, 8, 0, 0, 999999, tzinfo=UTC),
        datetime(1969, 12, 31, 23, 59, 59, 999999, tzinfo=UTC),
        datetime(9999, 12, 31, 23, 59, 59, 999999, tzinfo=UTC),
        datetime(2027, 1, 15, 8, 0, tzinfo=timezone(timedelta(hours=-7))),
    ],
)
def test_a_moment_comes_back_exactly(moment: datetime) -> None:
    """To the microsecond, in UTC."""
    with create_engine("sqlite://").connect() as connection:
        read = connection.execute(select(literal(moment, Instant()))).scalar_one()
    assert read == moment
    assert read.tzinfo is UTC


def test_no_moment_comes_back_as_none() -> None:
    """What never happened has no time."""
    with create_engine("sqlite://").connect() as connection:
        assert connection.execute(select(literal(None, Instant()))).scalar_one() is None
