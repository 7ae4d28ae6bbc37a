"""Settings that contradict each other are told at the start."""

import pytest
from pydantic import ValidationError

from mesh.settings import Settings

POSTGRES = "postgresql+psycopg://chat@db/chat"


@pytest.mark.parametrize(("primary", "replica"), [("", POSTGRES), (POSTGRES, "sqlite:///copy.db")])
def test_only_postgresql_has_replicas(primary: str, replica: str) -> None:
    """Nobody is served what another database holds."""
    with pytest.raises(ValidationError, match="CHAT_SQL_REPLICA_URL"):
        Settings(sql_url=primary, sql_replica_url=replica)
    assert Settings(sql_url=POSTGRES, sql_replica_url=POSTGRES).sql_replica_url == POSTGRES
