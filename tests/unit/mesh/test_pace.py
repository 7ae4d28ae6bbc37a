"""Who waits for others, and who does not."""

from mesh.pace import MEMORY_S, REST_S, STEP_S, TRIES, Pace


class Loop:
    """A loop on a clock of its own, and how long it waited before each of its turns."""

    def __init__(self) -> None:
        self.now = 0.0
        self.waits: list[float] = []
        self.pace = Pace(clock=lambda: self.now, sleep=self._sleep)

    async def _sleep(self, seconds: float) -> None:
        self.waits[-1] += seconds
        self.now += seconds

    async def take(self, count: int) -> None:
        self.waits.append(0.0)
        await self.pace.turn()
        self.pace.begin(count)

    async def arrive(self, per_s: float, seconds: float) -> list[int]:
        """Something comes so often whatever becomes of it; the sizes of what is begun together."""
        begun, sizes, until = 0, list[int](), self.now + seconds
        first = self.now
        while self.now < until:
            here = int((self.now - first) * per_s) - begun
            if here <= 0:
                self.now = first + (begun + 1) / per_s + 1e-9
                continue
            self.waits.append(0.0)
            await self.pace.turn()
            here = int((self.now - first) * per_s) - begun
            self.pace.begin(here)
            begun += here
            sizes.append(here)
        return sizes


async def test_the_first_after_a_silence_waits_for_nobody() -> None:
    loop = Loop()
    await loop.arrive(500, 1)
    loop.now += 5 * MEMORY_S
    await loop.take(1)
    assert loop.waits[-1] == 0


async def test_what_comes_seldom_is_begun_at_once() -> None:
    """Fewer than two in a step."""
    loop = Loop()
    assert set(await loop.arrive(60, 2)) == {1}
    assert not any(loop.waits)


async def test_what_comes_often_is_begun_in_steps() -> None:
    """As many together as come in a step, and none of them waits for longer than that."""
    loop = Loop()
    sizes = await loop.arrive(500, 2)
    assert sizes[-1] in (10, 11)
    assert max(loop.waits) <= STEP_S


async def test_a_step_is_no_delay_for_what_takes_longer() -> None:
    """What has taken longer than a step has made the others wait already."""
    loop = Loop()
    await loop.arrive(500, 1)
    loop.now += STEP_S
    await loop.take(10)
    assert loop.waits[-1] == 0


async def test_who_asks_for_one_thing_after_the_other_is_not_kept() -> None:
    """Nobody else comes while it waits: it is found out soon, and tried again now and then."""
    loop = Loop()
    for _ in range(1000):
        loop.now += 0.005
        await loop.take(1)
    waited = sum(wait > 0 for wait in loop.waits)
    assert 0 < waited <= TRIES * (1 + loop.now / REST_S)
    assert loop.now < 1000 * 0.005 * 1.2
