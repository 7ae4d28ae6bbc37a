"""Conditions and repeats against the real services."""

import asyncio
from uuid import uuid4

import pytest

from tests.integration.conftest import Start, System


@pytest.fixture(params=[False, True], ids=["together", "apart"])
async def system(start: Start, request: pytest.FixtureRequest) -> System:
    running: System = await start(apart=request.param)
    return running


async def test_of_two_who_change_what_they_read_one_is_told_of_the_other(system: System) -> None:
    """And who has what is there is told so without a body."""
    alice = await system.http("alice")
    me = await alice.get("/api/users/me")
    etag = me.headers["etag"]
    assert (await alice.get("/api/users/me", headers={"if-none-match": f'"x", W/{etag}'})).status_code == 304
    assert (await alice.get(f"/api/users/{me.json()['id']}", headers={"if-none-match": "*"})).status_code == 304
    answers = await asyncio.gather(
        *[
            alice.patch("/api/users/me", json={"bio": f"bio {number}"}, headers={"if-match": etag})
            for number in range(5)
        ]
    )
    assert sorted(answer.status_code for answer in answers) == [200, 412, 412, 412, 412]
    assert {answer.json()["code"] for answer in answers if answer.status_code == 412} == {"ETAG_MISMATCH"}
    changed = next(answer for answer in answers if answer.status_code == 200)
    assert (await alice.get("/api/users/me", headers={"if-none-match": etag})).headers["etag"] == changed.headers[
        "etag"
    ]


async def test_a_repeat_with_its_key_gets_the_first_answer(system: System) -> None:
    """Whole, and says so."""
    client = await system.http()
    name = f"u-{uuid4().hex[:8]}"
    new = {"username": name, "email": f"{name}@example.com", "password": "correct horse battery"}
    answers = [
        await client.post(
            "/api/users/register", json=new, headers={"idempotency-key": f"key of {name}".replace(" ", "-")}
        )
        for _ in range(2)
    ]
    assert [answer.status_code for answer in answers] == [201, 201]
    assert answers[0].json() == answers[1].json()
    assert answers[0].headers["location"] == answers[1].headers["location"]
    assert ["idempotent-replayed" in answer.headers for answer in answers] == [False, True]
    other = await client.post(
        "/api/users/register", json={**new, "full_name": "x"}, headers={"idempotency-key": f"key-of-{name}"}
    )
    assert other.json()["code"] == "IDEMPOTENCY_KEY_CONFLICT"
