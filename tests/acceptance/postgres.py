"""Where `--postgres` has a server of the acceptance runs keep its data."""

import os
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

from tests.contract.databases import new_schema

FLAG = "--postgres"


def asked_for() -> bool:
    """Whether the command line says so; the word is taken off it."""
    if FLAG not in sys.argv:
        return False
    sys.argv.remove(FLAG)
    return True


@contextmanager
def database_settings(postgres: bool) -> Iterator[Mapping[str, str]]:
    """Settings for a server: none for the embedded databases, else a schema for each service, gone at the end."""
    if not postgres:
        yield {}
        return
    url = os.environ["CHAT_TEST_POSTGRES_URL"]
    with new_schema(url) as users, new_schema(url) as messages:
        yield {"CHAT_SQL_URL": users, "CHAT_MESSAGES_URL": messages}
