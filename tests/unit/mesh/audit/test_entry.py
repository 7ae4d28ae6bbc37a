"""What an entry takes from the request being served."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime

from mesh.audit.entry import MAX_DETAIL, Entry, entry
from mesh.call.context import RequestContext, bind, unbind
from mesh.identity.principal import Principal

NOW = datetime(2027, 1, 15, 8, 0, tzinfo=UTC)


@contextmanager
def serving(principal: Principal | None, address: str = "192.0.2.1") -> Iterator[None]:
    bound = bind(RequestContext(principal=principal, address=address))
    try:
        yield
    finally:
        unbind(bound)


def test_an_entry_knows_the_caller() -> None:
    """Who, in which workspace and from where."""
    with serving(Principal("u-1", "s-1", "user", 0, "acme")):
        made = entry("session.ended", at=NOW, subject_id="s-1")
    assert made == Entry("session.ended", NOW, "acme", "u-1", "s-1", address="192.0.2.1")


def test_a_program_is_named_by_its_key() -> None:
    """Beside the user that it acts for."""
    with serving(Principal("u-1", "k-1", "user", 0, scopes=frozenset())):
        made = entry("user.exported", at=NOW, why="asked")
    assert (made.actor_id, made.detail) == ("u-1", {"api_key": "k-1", "why": "asked"})


def test_what_is_given_comes_before_what_the_request_says() -> None:
    """Such as the user whose password was just right, in a call of nobody."""
    with serving(Principal("u-1", "s-1", "user", 0, "acme")):
        made = entry("session.opened", at=NOW, actor_id="", workspace_id="other")
    assert (made.actor_id, made.workspace_id) == ("", "other")


def test_outside_of_a_request_nobody_acts() -> None:
    """On the whole installation."""
    assert entry("keys.rotated", at=NOW) == Entry("keys.rotated", NOW)


def test_long_texts_are_cut() -> None:
    """To what a column holds, so that no entry is lost for its length."""
    with serving(None, address="x" * 100):
        made = entry("login.locked", at=NOW, why="y" * 1000)
    assert (len(made.address), len(made.detail["why"])) == (45, MAX_DETAIL)
