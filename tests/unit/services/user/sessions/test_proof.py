"""What stands between a name and a session: the gate, the password, the code."""

from datetime import UTC, datetime
from typing import Any

import pytest

from mesh.audit.entry import Entry
from mesh.errors import Error, Exhausted, Forbidden, Unauthenticated, Unavailable
from services.user.accounts.domain import Account, Credentials, new_account
from services.user.sessions.proof import LoginProof

NOW = datetime(2027, 1, 15, 8, 0, tzinfo=UTC)
ANNA = new_account("u-1", workspace_id="default", username="anna", email="a@example.com", full_name="", now=NOW)


class World:
    """Password `good`, code `123456`; says what the gate was told, and what was noted."""

    def __init__(self, *, blocked: bool = False, overloaded: bool = False) -> None:
        self.blocked, self.overloaded = blocked, overloaded
        self.looked = 0
        self.told: list[str] = []
        self.noted: list[Entry] = []
        parts: Any = self
        self.proof = LoginProof(parts, parts, parts, Factor(), self.refuse)

    async def credentials(self, workspace_id: str, login: str) -> Credentials | None:
        return Credentials(ANNA, "hash") if login == "anna" else None

    async def verify(self, password: str, password_hash: str | None) -> bool:
        self.looked += 1
        if self.overloaded:
            raise Unavailable("OVERLOADED", "full")
        return password == "good" and password_hash is not None

    def is_outdated(self, password_hash: str) -> bool:
        return False

    async def check(self, workspace_id: str, login: str) -> None:
        if self.blocked:
            raise Exhausted("LOGIN_LOCKED", "locked")

    async def failed(self, workspace_id: str, login: str, account: Account | None) -> None:
        self.told.append(f"failed {login} {account.id if account else 'nobody'}")

    async def succeeded(self, workspace_id: str, login: str) -> None:
        self.told.append(f"succeeded {login}")

    async def refuse(self, noted: Entry) -> None:
        self.noted.append(noted)

    async def reason(self, login: str = "anna", password: str = "good", code: str = "123456") -> str:
        try:
            await self.proof.prove("default", login, password, code, NOW)
        except Error as error:
            return error.reason
        return ""


class Factor:
    async def check(self, account: Account, code: str, now: datetime) -> None:
        if not code:
            raise Unauthenticated("SECOND_FACTOR_REQUIRED", "code")
        if code != "123456":
            raise Forbidden("SECOND_FACTOR_INVALID", "wrong")


async def test_who_has_both_passes() -> None:
    """And the gate forgets what failed before."""
    world = World()
    assert await world.reason() == ""
    assert (world.told, world.noted) == (["succeeded anna"], [])


@pytest.mark.parametrize(
    ("tried", "reason", "told", "subject"),
    [
        ({"password": "bad"}, "INVALID_CREDENTIALS", ["failed anna u-1"], "u-1"),
        ({"login": "bea"}, "INVALID_CREDENTIALS", ["failed bea nobody"], ""),
        ({"code": "654321"}, "SECOND_FACTOR_INVALID", ["failed anna u-1"], "u-1"),
        ({"code": ""}, "SECOND_FACTOR_REQUIRED", [], "u-1"),
    ],
)
async def test_what_is_refused_is_counted_and_noted(
    tried: dict[str, str], reason: str, told: list[str], subject: str
) -> None:
    """A wrong code counts as a wrong password does: six digits are guessed soon. A missing one is no guess."""
    world = World()
    assert await world.reason(**tried) == reason
    assert world.told == told
    assert [(entry.action, entry.result, entry.subject_id) for entry in world.noted] == [
        ("session.refused", reason, subject)
    ]


async def test_who_stands_outside_is_not_looked_at() -> None:
    """Nor counted, nor noted: a flood costs next to nothing."""
    world = World(blocked=True)
    assert await world.reason() == "LOGIN_LOCKED"
    assert (world.looked, world.told, world.noted) == (0, [], [])


async def test_a_fault_of_ours_is_nobodys_failure() -> None:
    """Nothing was proven, either way."""
    world = World(overloaded=True)
    assert await world.reason() == "OVERLOADED"
    assert (world.told, world.noted) == ([], [])
