"""Two user services over one database, each in a mesh of its own: what one is told, the other one knows."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from chat.user.v1.key_service_pb2 import GetKeysRequest, RotateKeysRequest
from chat.user.v1.key_service_pb2_grpc import KeyServiceStub
from chat.user.v1.session_service_pb2 import LoginRequest, LogoutRequest
from chat.user.v1.session_service_pb2_grpc import SessionServiceStub
from mesh.host import Hosted, host
from mesh.settings import Settings
from mesh.telemetry.metrics import Metrics, new_registry
from services.user.keys import ring
from services.user.seed import seed_password
from services.user.service import SERVICE
from tests.contract.databases import POSTGRES, empty_url

pytestmark = pytest.mark.skipif(not POSTGRES, reason="an SQLite file serves one process")


@pytest.fixture
async def settings(tmp_path: Path) -> AsyncIterator[Settings]:
    async with empty_url("postgresql", tmp_path) as url:
        yield Settings(data=tmp_path / "data", sql_url=url, limits="off")


async def until(holds: Any) -> None:
    async with asyncio.timeout(10):
        while not await holds():
            await asyncio.sleep(0.02)


async def kids(hosted: Hosted) -> list[str]:
    told = await KeyServiceStub(hosted.mesh.channel("user")).GetKeys(GetKeysRequest())
    return [key.kid for key in told.keys]


async def test_what_one_is_told_the_other_one_knows(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    """A key that was made, and a session that has ended: neither is told of it by the other."""
    monkeypatch.setattr(ring, "REREAD", ring.REREAD / 100)
    async with (
        host(settings, [SERVICE], Metrics(new_registry())) as one,
        host(settings, [SERVICE], Metrics(new_registry())) as two,
    ):
        assert await kids(one) == await kids(two)
        request = LoginRequest(username="alice", password=seed_password(settings))
        opened = await SessionServiceStub(one.mesh.channel("user")).Login(request)
        assert (await two.mesh.verifier.verify(opened.access_token)).session_id == opened.session_id
        made = await KeyServiceStub(one.mesh.channel("user")).RotateKeys(RotateKeysRequest())

        async def known() -> bool:
            return made.kid in await kids(two)

        await until(known)
        assert await kids(one) == await kids(two)
        metadata = (("authorization", f"Bearer {opened.access_token}"),)
        await SessionServiceStub(one.mesh.channel("user")).Logout(LogoutRequest(), metadata=metadata)

        async def ended() -> bool:
            return two.mesh.verifier.cached(opened.access_token) is None

        await until(ended)
        assert opened.session_id in two.mesh.verifier.revocations
