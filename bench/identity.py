"""What it costs to know who calls: a token that was seen before, one that was not, an API key asked about."""

import time
from collections.abc import Awaitable, Callable, Iterator, Sequence
from functools import partial
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from bench.clock import Stopwatch
from bench.folder import on_disk
from bench.table import Table
from chat.user.v1.api_key_service_pb2 import CreateApiKeyRequest, IntrospectKeyRequest
from chat.user.v1.api_key_service_pb2_grpc import ApiKeyServiceStub
from chat.user.v1.session_service_pb2 import LoginRequest
from chat.user.v1.session_service_pb2_grpc import SessionServiceStub
from mesh.call.channel import MeshChannel, open_tcp
from mesh.call.server import Health, listen
from mesh.host import host
from mesh.identity import tokens
from mesh.identity.jwk import to_jwk
from mesh.identity.principal import Principal
from mesh.identity.proof import Proofs
from mesh.identity.verifier import Verifier
from mesh.sealing import installation_secret
from mesh.settings import Settings
from mesh.telemetry.metrics import Metrics, new_registry
from services.user.api_keys.domain import hash_of
from services.user.seed import SEEDS, seed_password
from services.user.service import SERVICE as USER

RUNS = 5
REVOKED = 10_000
"""Sessions that have ended before their tokens, which each look passes by."""
TOKENS = 500


async def measure(name: str, work: Callable[[], Awaitable[int]]) -> Sequence[str]:
    """A row with the least of some runs. `work` answers how often it has asked who calls."""
    best = (float("inf"), float("inf"))
    for _ in range(RUNS):
        watch = Stopwatch()
        done = await work()
        best = min(best, (watch.wall_s() / done, watch.cpu_s() / done))
    return name, *(f"{seconds * 1e6:.1f}" for seconds in best)


class Issuer:
    """Signs tokens, and makes verifiers that know its key and many sessions that have ended."""

    def __init__(self) -> None:
        self._key = Ed25519PrivateKey.generate()
        self._jwk = to_jwk(self._key.public_key())
        now = int(time.time())
        self.tokens = [self._sign(number, now) for number in range(TOKENS)]

    def verifier(self) -> Verifier:
        async def fetch() -> list[dict[str, str]]:
            return [self._jwk]

        verifier = Verifier(fetch)
        verifier.revocations.add((f"ended-{number}", time.time() + 660) for number in range(REVOKED))
        return verifier

    def _sign(self, number: int, now: int) -> str:
        principal = Principal(f"user-{number}", f"session-{number}", "user", now + tokens.LIFETIME_S)
        return tokens.sign(principal, issued_at=now, token_id=str(number), key=self._key, kid=self._jwk["kid"])


async def known(verifier: Verifier, issuer: Issuer) -> int:
    for _ in range(20):
        for token in issuer.tokens:
            assert verifier.cached(token) is not None
    return 20 * TOKENS


async def unknown(verifiers: Iterator[Verifier], issuer: Issuer) -> int:
    verifier = next(verifiers)
    for token in issuer.tokens:
        await verifier.verify(token)
    return TOKENS


async def introspected(introspect: Any, digest: bytes) -> int:
    for _ in range(200):
        await introspect(IntrospectKeyRequest(hash=digest))
    return 200


async def table() -> Table:
    found = Table(
        "Identity",
        ("", "µs wall", "µs CPU"),
        f"Who calls, while {REVOKED:,} sessions are revoked. The least of {RUNS} runs, per question. Keys are asked "
        "about at the user service over TCP, both ends in this process; an answer is remembered for a minute.",
    )
    issuer = Issuer()
    verifier = issuer.verifier()
    for token in issuer.tokens:
        await verifier.verify(token)
    fresh = iter([issuer.verifier() for _ in range(RUNS)])
    found.rows.append(await measure("access token, seen before", partial(known, verifier, issuer)))
    found.rows.append(await measure("access token, new", partial(unknown, fresh, issuer)))
    with on_disk() as folder:
        settings, metrics = Settings(data=folder, sql_url="", env="dev", limits="off"), Metrics(new_registry())
        async with host(settings, [USER], metrics) as hosted:
            login = LoginRequest(username=next(iter(SEEDS)), password=seed_password(settings))
            session = await SessionServiceStub(hosted.mesh.channel("user")).Login(login)
            made = await ApiKeyServiceStub(hosted.mesh.channel("user")).CreateApiKey(
                CreateApiKeyRequest(name="bench", scopes=["user:read"]),
                metadata=(("authorization", f"Bearer {session.access_token}"),),
            )
            listener = listen(
                "127.0.0.1:0",
                hosted.registers,
                interceptors=hosted.interceptors,
                health=Health([USER.name]),
                grace_s=1,
            )
            async with listener as port, open_tcp(f"ipv4:127.0.0.1:{port}", USER.name) as tcp:
                stub = ApiKeyServiceStub(MeshChannel(tcp, metrics, Proofs(installation_secret(settings))))
                work = partial(introspected, stub.IntrospectKey, hash_of(made.secret))
                found.rows.append(await measure("API key, asked about", work))
    return found
