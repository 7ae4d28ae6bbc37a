"""`CHAT_LIMITS`, and what a start without it has."""

import pytest
from pydantic import ValidationError

from chat.mesh.v1 import options_pb2
from facade.descriptors import all_services, methods
from mesh.limits.classes import EDGE, NEVER_OFF, class_name, defaults
from mesh.limits.limiter import SECOND_NS
from mesh.limits.overrides import read, unguarded
from mesh.settings import Settings


def told(text: str, name: str, scope: str) -> tuple[int, float] | None:
    """Burst and rate."""
    policy = read(text)[name].get(scope)
    return None if policy is None else (policy.burst, SECOND_NS / policy.interval_ns)


def test_nothing_set_is_the_table() -> None:
    """Blanks are nothing."""
    assert read("") == read("  ") == defaults()


def test_every_class_of_the_contracts_has_limits() -> None:
    """But the one of the mesh's own calls; and the edge has its own."""
    named = {class_name(number) for number in options_pb2.RateClass.values() if number}
    assert named - {""} | {EDGE} == set(defaults())
    assert class_name(options_pb2.RATE_CLASS_MESH) == ""


def test_every_method_is_limited_for_everybody_who_may_call_it() -> None:
    """Users by who they are, strangers by where they are, and what a method names by that name."""
    for method in methods(all_services()):
        scopes = defaults().get(class_name(method.policy.rate_class), {})
        if method.policy.role == options_pb2.ROLE_MESH:
            # What the facade asks for somebody at a browser is charged to the browser's address.
            assert not scopes or "address" in scopes, method.path
        elif method.policy.role == options_pb2.ROLE_ANONYMOUS:
            assert "address" in scopes, method.path
        else:
            assert {"user", "account"} & scopes.keys(), method.path
        if method.policy.rate_field:
            assert scopes.keys() - {"user", "address"}, method.path


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("send=100/s", (100, 100)),
        ("send.user=100/s", (100, 100)),
        (" send.user = 5/10s ", (5, 0.5)),
        ("send=120/m", (120, 2)),
        ("send=3600/h:7", (7, 1)),
        ("send=1/s:20,read=1/s", (20, 1)),
        ("send.conversation=1/s", (50, 10)),
        ("send=1/s,send.user=2/s", (2, 2)),
        ("send.user=2/s,send=1/s", (1, 1)),
        ("off,send.user=2/s", (2, 2)),
        ("send=off", None),
        ("send.user=off", None),
        ("send.user=2/s,off", None),
        ("off", None),
    ],
)
def test_what_is_set_counts_from_left_to_right(text: str, expected: tuple[int, float] | None) -> None:
    """A class, one scope of it, or everything."""
    assert told(text, "send", "user") == expected


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("sned=1/s", "there is no class `sned`; there are edge, login"),
        ("send.adress=1/s", "`send` has no scope `adress`; it has user, conversation, address"),
        ("login.user=1/s", "`login` has no scope `user`"),
        ("send", "write `class=amount`"),
        ("send=1/s,", "write `class=amount`"),
        ("send=", "an amount is"),
        ("send=fast", "an amount is"),
        ("send=1", "an amount is"),
        ("send=-1/s", "an amount is"),
        ("send=1.5/s", "an amount is"),
        ("send=1/d", "an amount is"),
        ("send=1/s:", "an amount is"),
        ("send=0/s", "nothing is 0"),
        ("send=1/0s", "nothing is 0"),
        ("send=1/s:0", "nothing is 0"),
        ("send=2000000/s", "at most 1000000"),
        ("send=1/s:2000000", "at most 1000000"),
    ],
)
def test_what_cannot_be_meant_is_refused_with_what_could(text: str, why: str) -> None:
    """The entry is shown, and the way out."""
    with pytest.raises(ValueError, match="CHAT_LIMITS: `") as caught:
        read(text)
    assert why in str(caught.value)


def test_a_process_with_bad_limits_does_not_start() -> None:
    """It is a mistake of the settings like others."""
    with pytest.raises(ValidationError, match="sned"):
        Settings(limits="sned=1/s")


@pytest.mark.parametrize("text", ["off", "login=off", "register.address=off", "off,login=1/s,register=1/s"])
def test_what_guards_passwords_is_never_off_in_production(text: str) -> None:
    """In development it may be."""
    assert Settings(limits=text).limits == text
    with pytest.raises(ValidationError, match="CHAT_ENV=production"):
        Settings(limits=text, env="production")


def test_everything_else_may_be_off_in_production() -> None:
    """Such as where a gateway in front does it."""
    guarded = ",".join(f"{name}=1000/s" for name in NEVER_OFF)
    assert unguarded(read(f"off,{guarded}")) == []
    Settings(limits=f"off,{guarded}", env="production")
