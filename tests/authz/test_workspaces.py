"""Whatever one workspace has is asked for by the owner of another: nothing is told of it."""

import pytest

from tests.authz.cast import MARK, Cast
from tests.authz.expected import ALLOWED, expected
from tests.authz.samples import SAMPLES, SPENDING
from tests.authz.stage import Stage
from tests.authz.test_matrix import name_of
from tests.authz.wire import METHODS, short


@pytest.fixture(scope="module")
def full(cast: Cast) -> Stage:
    """With everything that there can be in it."""
    stage = Stage(cast)
    for thing in ("group", "message", "session", "key", "bot", "bot_key", "newcomer"):
        getattr(stage, thing)
    return stage


def told(full: Stage) -> dict[str, bytes]:
    """What must not be found in any answer, by what it is: ids, names and texts."""
    cast = full.cast
    people = (cast.owner, cast.admin, cast.author, cast.member, cast.bot, cast.boss, full.bystander)
    things = (full.group, full.message, full.session, full.key, full.bot, full.bot_key)
    texts = (f"{MARK} text", f"{MARK} group", f"{MARK} key")
    ids = [actor.id for actor in people]
    return {text: text.encode() for text in (*ids, *[actor.username for actor in people], *things, *texts)}


@pytest.mark.parametrize("path", METHODS, ids=name_of)
def test_nothing_of_one_workspace_is_told_in_another(path: str, cast: Cast, full: Stage) -> None:
    """Beyond what the request itself names; and nothing is changed, whatever the answer."""
    method, stranger = METHODS[path], cast.stranger
    request = SAMPLES[name_of(path)](full)
    before = full.state()
    answer = cast.call(cast.spare(stranger) if short(method) in SPENDING else stranger, path, request)
    if expected(method, stranger) != ALLOWED:
        assert answer.reason == expected(method, stranger)
    asked = request.SerializeToString()
    answered = b"" if answer.message is None else answer.message.SerializeToString()
    if short(method) != "Login":  # With a password one is let in anywhere: it is the name of the workspace that counts.
        assert [text for text, found in told(full).items() if found in answered and found not in asked] == []
    assert full.state() == before


def test_the_same_names_are_others_elsewhere(cast: Cast, full: Stage) -> None:
    """Who has a name and its password in one workspace has nothing in the other."""
    login = SAMPLES["user.v1.SessionService/Login"](full)
    login.workspace_id = cast.stranger.workspace_id  # type: ignore[attr-defined]
    assert cast.call(cast.anonymous, "/chat.user.v1.SessionService/Login", login).reason == "INVALID_CREDENTIALS"
