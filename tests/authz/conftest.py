"""A server for each module, with everybody on it. Reached from outside, as whoever wants to break in would.

Not one for all: their tokens end after ten minutes.
"""

from collections.abc import Iterator

import grpc
import pytest

from mesh.identity.proof import Proofs
from mesh.sealing import installation_secret
from mesh.settings import Settings
from tests.acceptance.postgres import database_settings
from tests.authz.cast import Cast
from tests.authz.stage import Stage
from tests.authz.wire import Wire
from tests.contract.databases import POSTGRES
from tests.e2e.conftest import Server, start


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with database_settings(bool(POSTGRES)) as databases:
        running = start(tmp_path_factory.mktemp("authz") / "data", **databases)
        yield running
        assert running.stop() == 0


@pytest.fixture(scope="module")
def cast(server: Server) -> Iterator[Cast]:
    with grpc.insecure_channel(server.grpc) as channel:
        yield Cast(Wire(channel), Proofs(installation_secret(Settings(data=server.data))))


@pytest.fixture(scope="module")
def stage(cast: Cast) -> Stage:
    """What calls that are refused are about: it never changes."""
    return Stage(cast)
