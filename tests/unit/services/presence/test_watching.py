"""Who is told of whom, and when."""

from collections.abc import Sequence

from mesh.errors import Unavailable
from services.presence.domain import Custom, Status, User
from services.presence.inbox import Inbox
from services.presence.store import Found
from tests.unit.services.presence.house import House, Watcher, lease, user


async def test_each_watcher_is_told_how_a_user_is_and_then_what_changes() -> None:
    """One that comes later hears how it is; the others hear nothing of that."""
    house, anna, first, second = House(), user(), Watcher(), Watcher()
    await house.watching.add(house.store, first, [anna])
    await house.turn()
    assert first.take() == [(anna, "OFFLINE", False)]
    await house.store.apply([lease(anna)], [], [])
    await house.turn()
    assert first.take() == [(anna, "ONLINE", True)]
    await house.watching.add(house.store, second, [anna])
    await house.turn()
    assert (first.take(), second.take()) == ([], [(anna, "ONLINE", False)])
    await house.store.apply([], [lease(anna, is_away=True)], [])
    await house.turn()
    assert first.take() == second.take() == [(anna, "AWAY", False)]


async def test_what_happens_between_two_turns_is_told_once() -> None:
    """That somebody came online is not lost by it, unless they are gone again."""
    house, anna, watcher = House(), user(), Watcher()
    await house.watching.add(house.store, watcher, [anna])
    await house.turn()
    watcher.take()
    await house.store.apply([lease(anna)], [], [])
    await house.store.apply([lease(anna, "s2"), lease(anna, "s3")], [], [])
    await house.turn()
    assert watcher.take() == [(anna, "ONLINE", True)]


async def test_the_invisible_do_not_come_online() -> None:
    """Not by a device; by becoming visible they do."""
    house, anna, watcher = House(), user(), Watcher()
    await house.store.say(anna, Custom(Status.INVISIBLE, hidden_ms=house.ms), came_online=False)
    await house.watching.add(house.store, watcher, [anna])
    await house.turn()
    watcher.take()
    await house.store.apply([lease(anna)], [], [])
    await house.turn()
    assert watcher.take() == [(anna, "OFFLINE", False)]  # What they see themselves is another thing.
    await house.store.say(anna, Custom(Status.AVAILABLE), came_online=True)
    await house.turn()
    assert watcher.take() == [(anna, "ONLINE", True)]


async def test_nobody_is_told_of_somebody_in_another_workspace() -> None:
    """The same id is somebody else there, of whom nothing is heard."""
    house, anna, watcher = House(), user(), Watcher()
    elsewhere = User("other", anna.id)
    await house.watching.add(house.store, watcher, [elsewhere])
    await house.turn()
    watcher.take()
    await house.store.apply([lease(anna)], [], [])
    await house.turn()
    assert watcher.take() == []


async def test_who_does_not_watch_any_more_is_not_told() -> None:
    """And the store rings for nobody when the last one is gone; to stop twice does no harm."""
    house, anna, first, second = House(), user(), Watcher(), Watcher()
    for watcher in (first, second):
        await house.watching.add(house.store, watcher, [anna, anna])
    await house.turn()
    await house.watching.remove(house.store, first, [anna])
    await house.watching.remove(house.store, first, [anna])
    first.take()
    second.take()
    await house.store.apply([lease(anna)], [], [])
    await house.turn()
    assert (first.take(), second.take()) == ([], [(anna, "ONLINE", True)])
    await house.store.apply([lease(anna, "s2")], [], [])
    await house.watching.remove(house.store, second, [anna])
    await house.turn()
    assert second.take() == []
    assert house.store._watched == set()


async def test_what_cannot_be_read_is_told_later() -> None:
    """With what was known of it."""
    house, anna, watcher = House(), user(), Watcher()
    await house.watching.add(house.store, watcher, [anna])
    await house.turn()
    watcher.take()
    read, house.store.read = house.store.read, _refuse  # type: ignore[method-assign]
    await house.store.apply([lease(anna)], [], [])
    await house.turn()
    assert watcher.take() == []
    house.store.read = read  # type: ignore[method-assign]
    await house.turn()
    assert watcher.take() == [(anna, "ONLINE", True)]


async def _refuse(users: Sequence[User]) -> Found:
    raise Unavailable("UNAVAILABLE", "No.")


async def test_of_each_user_the_last_waits_to_be_written() -> None:
    """However often they change, and with whether they came online; unless they are offline by then."""
    house, anna, bela, inbox = House(), user(), user(), Inbox()
    await house.watching.add(house.store, inbox, [anna, bela])
    await house.store.apply([lease(anna), lease(bela)], [], [])
    await house.turn()
    await house.store.apply([], [lease(anna, is_away=True)], [])
    await house.store.say(bela, Custom(Status.INVISIBLE, hidden_ms=house.ms), came_online=False)
    await house.turn()
    deltas, reannounce = await inbox.take(0)
    assert [(delta.others.state.name, delta.came_online) for delta in deltas] == [("AWAY", True), ("OFFLINE", False)]
    assert not reannounce
    inbox.reannounce()
    assert await inbox.take(0) == ([], True)
    assert await inbox.take(0) == ([], False)
