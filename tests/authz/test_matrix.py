"""Every method of every service, called by everybody: what the contracts say about who may is what happens."""

import pytest

from facade.descriptors import Method
from tests.authz.cast import Actor, Cast
from tests.authz.expected import ALLOWED, NAMED_THINGS, OTHERWISE, expected
from tests.authz.samples import SAMPLES, SPENDING
from tests.authz.stage import Stage
from tests.authz.wire import METHODS, is_read, short

PENDING: dict[str, str] = {}
"""Methods that no service serves yet, and why."""


def name_of(path: str) -> str:
    return path.removeprefix("/chat.")


def test_every_method_is_called() -> None:
    """One that is new needs a sample; none is left that is gone."""
    names = {name_of(path) for path in METHODS}
    assert SAMPLES.keys() == names
    assert {*OTHERWISE, *NAMED_THINGS} <= {short(method) for method in METHODS.values()}
    assert PENDING == {}


@pytest.mark.parametrize("path", METHODS, ids=name_of)
def test_whoever_may_not_is_refused_and_changes_nothing(path: str, cast: Cast, stage: Stage) -> None:
    """For the reason that the contract gives, and no other."""
    method, sample = METHODS[path], SAMPLES[name_of(path)]
    request = sample(stage)
    before = stage.state()
    refused = {actor: reason for actor in cast.everybody if (reason := expected(method, actor)) != ALLOWED}
    told = {actor: cast.call(actor, path, request).reason for actor in refused}
    assert {actor.name: told[actor] for actor in told if told[actor] != refused[actor]} == {}
    assert stage.state() == before


@pytest.mark.parametrize("path", METHODS, ids=name_of)
def test_whoever_may_is_let_through(path: str, cast: Cast, stage: Stage) -> None:
    """Each with something of their own to do it to, unless it changes nothing."""
    method = METHODS[path]
    allowed = [actor for actor in cast.everybody if expected(method, actor) == ALLOWED]
    reasons = {actor.name: _tried(method, actor, stage if is_read(method) else Stage(cast)) for actor in allowed}
    assert {name: reason for name, reason in reasons.items() if reason and reason not in _fine(method)} == {}
    assert allowed


def _tried(method: Method, actor: Actor, stage: Stage) -> str:
    request = SAMPLES[name_of(method.path)](stage)
    if short(method) in SPENDING:
        actor = stage.cast.spare(actor)
    return stage.cast.call(actor, method.path, request).reason


def _fine(method: Method) -> frozenset[str]:
    return OTHERWISE.get(short(method), frozenset())
