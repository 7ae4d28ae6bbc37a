"""The schema that the migrations make."""

from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import Connection

from services.user.tables import metadata
from tests.integration.user.world import World


async def test_the_migrations_make_the_tables_that_the_stores_use(world: World) -> None:
    """No table, column, index or constraint differs."""

    def differences(connection: Connection) -> list[object]:
        options = {"compare_type": False}  # Moments are a type of their own on whole numbers.
        return list(compare_metadata(MigrationContext.configure(connection, opts=options), metadata))

    assert await world.database.read(differences) == []
