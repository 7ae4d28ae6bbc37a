"""The verifier's two caches, against an issuer that counts how often its keys are asked for."""

import asyncio
from collections.abc import Mapping, Sequence

import pytest

from mesh.errors import Unauthenticated, Unavailable
from mesh.identity.principal import Principal
from mesh.identity.verifier import Verifier
from tests.unit.mesh.identity.issuer import NOW, Issuer


class World:
    """Time, and a user service that answers, waits or fails as told."""

    def __init__(self, *issuers: Issuer) -> None:
        self.now = float(NOW)
        self.keys = [issuer.jwk for issuer in issuers]
        self.fetches = 0
        self.down = False
        self.open = asyncio.Event()
        self.open.set()
        self.asked = asyncio.Event()

    async def fetch(self) -> Sequence[Mapping[str, str]]:
        self.fetches += 1
        self.asked.set()
        await self.open.wait()
        if self.down:
            raise Unavailable("UNAVAILABLE", "down")
        return self.keys

    def verifier(self) -> Verifier:
        return Verifier(self.fetch, clock=lambda: self.now)


async def test_fetches_the_keys_once_for_many_tokens() -> None:
    """Two tokens of one key cost one question."""
    issuer = Issuer()
    world = World(issuer)
    verifier = world.verifier()
    assert await verifier.verify(issuer.good("a")) == issuer.principal
    assert await verifier.verify(issuer.good("b")) == issuer.principal
    assert world.fetches == 1


async def test_remembers_a_good_token_until_it_ends() -> None:
    """The fast path answers without a key, and never longer than the token lives."""
    issuer = Issuer()
    world = World(issuer)
    verifier = world.verifier()
    token = issuer.good()
    assert verifier.cached(token) is None
    principal = await verifier.verify(token)
    assert verifier.cached(token) is principal
    assert await verifier.verify(token) is principal
    world.now += 600
    assert verifier.cached(token) is None
    with pytest.raises(Unauthenticated, match="TOKEN_EXPIRED"):
        await verifier.verify(token)


async def test_remembers_no_bad_token() -> None:
    """A refused token is checked again each time."""
    issuer = Issuer()
    verifier = World(issuer).verifier()
    bad = issuer.forged({"aud": "other"})
    for _ in range(2):
        with pytest.raises(Unauthenticated, match="TOKEN_INVALID"):
            await verifier.verify(bad)
    assert verifier.cached(bad) is None


@pytest.mark.parametrize("token", ["", "é", "\udc80", "x" * 100_000])
def test_the_fast_path_takes_anything(token: str) -> None:
    """It answers None to what no token can be."""
    assert World().verifier().cached(token) is None


async def test_forgets_the_oldest_token_when_full(monkeypatch: pytest.MonkeyPatch) -> None:
    """The cache is bounded; what leaves it still verifies."""
    monkeypatch.setattr("mesh.identity.verifier.MAX_TOKENS", 2)
    issuer = Issuer()
    verifier = World(issuer).verifier()
    a, b, c = (issuer.good(token_id) for token_id in "abc")
    for token in (a, b, c):
        await verifier.verify(token)
    assert [verifier.cached(token) is None for token in (a, b, c)] == [True, False, False]
    assert await verifier.verify(a)


async def test_an_unknown_key_asks_again_once_in_thirty_seconds() -> None:
    """A new key is found, a made-up one cannot make us ask at will."""
    old, new = Issuer(), Issuer()
    world = World(old)
    verifier = world.verifier()
    await verifier.verify(old.good())
    for _ in range(3):
        with pytest.raises(Unauthenticated, match="TOKEN_INVALID"):
            await verifier.verify(new.good())
    assert world.fetches == 1
    world.keys.append(new.jwk)
    world.now += 30
    assert await verifier.verify(new.good()) == new.principal
    assert world.fetches == 2


async def test_a_clock_set_back_does_not_keep_new_keys_out() -> None:
    """The pause between questions is no longer than it should be."""
    old, new = Issuer(), Issuer()
    world = World(old)
    verifier = world.verifier()
    await verifier.verify(old.good())
    world.keys.append(new.jwk)
    world.now -= 3600
    assert await verifier.verify(new.good()) == new.principal


async def test_leaves_out_keys_of_another_kind() -> None:
    """A set with foreign keys serves ours."""
    issuer = Issuer()
    world = World(issuer)
    world.keys.insert(0, {"kty": "RSA", "kid": "rsa", "n": "AQAB", "e": "AQAB"})
    assert await world.verifier().verify(issuer.good()) == issuer.principal


async def test_callers_that_wait_together_share_one_question() -> None:
    """A hundred first requests ask once."""
    issuer = Issuer()
    world = World(issuer)
    verifier = world.verifier()
    world.open.clear()
    calls = [asyncio.create_task(verifier.verify(issuer.good(str(n)))) for n in range(100)]
    await world.asked.wait()
    world.open.set()
    assert await asyncio.gather(*calls) == [issuer.principal] * 100
    assert world.fetches == 1


async def test_a_caller_who_gives_up_fails_nobody_else() -> None:
    """When the one who asks is cancelled, the next in line asks."""
    issuer = Issuer()
    world = World(issuer)
    verifier = world.verifier()
    world.open.clear()
    first = asyncio.create_task(verifier.verify(issuer.good("a")))
    await world.asked.wait()
    second = asyncio.create_task(verifier.verify(issuer.good("b")))
    first.cancel()
    with pytest.raises(asyncio.CancelledError):
        await first
    world.open.set()
    assert await second == issuer.principal
    assert world.fetches == 2


async def test_says_unavailable_while_the_keys_cannot_be_fetched() -> None:
    """A token that may be good is not called bad; the user service is asked again after a second, not at once."""
    issuer = Issuer()
    world = World(issuer)
    verifier = world.verifier()
    world.down = True
    for _ in range(3):
        with pytest.raises(Unavailable, match="UNAVAILABLE"):
            await verifier.verify(issuer.good())
    assert world.fetches == 1
    world.down = False
    world.now += 1
    assert await verifier.verify(issuer.good()) == issuer.principal


async def test_known_keys_outlive_a_failure() -> None:
    """A question that fails takes nothing away."""
    old, new = Issuer(), Issuer()
    world = World(old)
    verifier = world.verifier()
    await verifier.verify(old.good("a"))
    world.down = True
    world.now += 30
    with pytest.raises(Unavailable, match="UNAVAILABLE"):
        await verifier.verify(new.good())
    assert await verifier.verify(old.good("b")) == old.principal


async def test_bad_headers_never_ask_for_keys() -> None:
    """Garbage costs no question."""
    world = World()
    with pytest.raises(Unauthenticated, match="TOKEN_INVALID"):
        await world.verifier().verify("garbage")
    assert world.fetches == 0


async def test_a_revoked_session_is_refused_on_either_path() -> None:
    """By the cache and by a fresh look; other sessions go on."""
    issuer = Issuer()
    verifier = World(issuer).verifier()
    token = issuer.good()
    await verifier.verify(token)
    verifier.revocations.add([("s-2", NOW + 660.0)])
    assert verifier.cached(token) is not None
    verifier.revocations.add([(issuer.principal.session_id, NOW + 660.0)])
    assert verifier.cached(token) is None
    for tried in (token, issuer.good("t-2")):
        with pytest.raises(Unauthenticated, match="SESSION_REVOKED"):
            await verifier.verify(tried)


async def test_a_token_is_good_by_the_key_that_it_names_alone() -> None:
    """Not by another one that is published too."""
    one, other = Issuer(), Issuer()
    verifier = World(one, other).verifier()
    mixed = one.forged(header={"kid": other.kid})
    with pytest.raises(Unauthenticated, match="TOKEN_INVALID"):
        await verifier.verify(mixed)


@pytest.mark.parametrize("kid", ["", "../keys/1", "' OR 1=1 --", "k" * 1000, "http://example.com/key"])
async def test_an_unknown_kid_is_a_name_and_nothing_else(kid: str) -> None:
    """It is compared, never followed."""
    issuer = Issuer()
    world = World(issuer)
    with pytest.raises(Unauthenticated, match="TOKEN_INVALID"):
        await world.verifier().verify(issuer.forged(header={"kid": kid}))
    assert world.fetches <= 1


async def test_keys_are_used_for_a_day_without_the_user_service() -> None:
    """Then nobody knows whether they are still good."""
    issuer = Issuer()
    world = World(issuer)
    verifier = world.verifier()
    await verifier.verify(issuer.good("a"))
    world.down = True
    world.now += 24 * 3600 - 1
    for token in (lasting(issuer, world.now, "b"), lasting(issuer, world.now, "c")):
        assert await verifier.verify(token)
    world.now += 1
    with pytest.raises(Unavailable):
        await verifier.verify(lasting(issuer, world.now, "d"))
    world.down = False
    world.now += 1
    assert await verifier.verify(lasting(issuer, world.now, "e"))


async def test_a_key_that_is_gone_is_refused_after_a_refresh() -> None:
    """What it signed no longer counts."""
    old, new = Issuer(), Issuer()
    world = World(old, new)
    verifier = world.verifier()
    await verifier.verify(new.good())
    world.keys = [new.jwk]
    assert await verifier.keys.refresh()
    with pytest.raises(Unauthenticated, match="TOKEN_INVALID"):
        await verifier.verify(old.good())


@pytest.mark.parametrize("answer", [[], [{"kty": "OKP", "crv": "Ed25519", "kid": "k", "x": "AAAA"}], [{"kid": "k"}]])
async def test_a_set_without_a_sound_key_takes_none_away(answer: list[dict[str, str]]) -> None:
    """Whoever has broken it, the keys that were known go on."""
    issuer = Issuer()
    world = World(issuer)
    verifier = world.verifier()
    await verifier.verify(issuer.good("a"))
    world.keys = answer
    assert not await verifier.keys.refresh()
    assert await verifier.verify(issuer.good("b")) == issuer.principal


def lasting(issuer: Issuer, now: float, token_id: str) -> str:
    """A token that is good at `now`."""
    return issuer.forged({"iat": int(now), "exp": int(now) + 600, "jti": token_id})


def test_a_principal_knows_whether_it_administrates() -> None:
    """The role decides."""
    assert Principal("u", "s", "admin", 0).is_admin
    assert not Principal("u", "s", "user", 0).is_admin
