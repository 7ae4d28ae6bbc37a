"""Etags and the conditions that clients make with them."""

import httpx2
import pytest

from tests.integration.facade.toys import ToyServicer

RENAME = {"name": "n"}


@pytest.mark.parametrize(
    ("tags", "status"),
    [
        ('"v1"', 304),
        ('W/"v1"', 304),
        ("*", 304),
        ('"v0", "v1"', 304),
        ('"v0" ,W/"v1"', 304),
        ('"v0"', 200),
        ('"v1x"', 200),
        ("v1", 200),
        ('"v1" "v0"', 200),
        ('w/"v1"', 200),
        ("", 200),
    ],
)
async def test_a_reader_who_has_it_gets_no_body(client: httpx2.AsyncClient, tags: str, status: int) -> None:
    """Tags are compared weakly, alone or in a list; what cannot be read is no condition."""
    response = await client.get("/api/toys/x", headers={"if-none-match": tags})
    assert response.status_code == status
    assert response.headers["etag"] == '"v1"'
    assert (response.content == b"") is (status == 304)
    assert ("content-type" in response.headers) is (status == 200)
    assert response.headers["ratelimit"]


async def test_tags_may_stand_in_several_headers(client: httpx2.AsyncClient) -> None:
    """As one list."""
    response = await client.get("/api/toys/x", headers=[("if-none-match", '"v0"'), ("if-none-match", '"v1"')])
    assert response.status_code == 304


async def test_what_has_no_etag_is_read_whole(client: httpx2.AsyncClient) -> None:
    """Even for `*`."""
    assert (await client.get("/api/toys/best", headers={"if-none-match": "*"})).status_code == 200


async def test_an_error_is_told_whatever_the_reader_has(client: httpx2.AsyncClient) -> None:
    """304 stands for a success only."""
    assert (await client.get("/api/toys/gone", headers={"if-none-match": "*"})).status_code == 404


@pytest.mark.parametrize(
    ("tags", "asked", "status"),
    [
        ('"v1"', ["v1"], 200),
        ("*", [""], 200),
        ('"v0"', ["v0"], 412),
        ('"v0", "v1", "v2"', ["v0", "v1"], 200),
        ('"v0", "v0", "v2"', ["v0", "v2"], 412),
        ('W/"v1"', ["W/"], 412),
        ('W/"v1", "v1"', ["v1"], 200),
        ('""', ["W/"], 412),
        (f'"{"v" * 65}"', ["W/"], 412),
    ],
)
async def test_a_change_is_made_to_what_was_read_only(
    client: httpx2.AsyncClient, toys: ToyServicer, tags: str, asked: list[str], status: int
) -> None:
    """Tags are compared strongly by the service, in turn; `*` is whatever is there."""
    response = await client.patch("/api/toys/x", json=RENAME, headers={"if-match": tags})
    assert (response.status_code, toys.asked_etags) == (status, asked)
    if status == 412:
        problem = response.json()
        assert (problem["code"], problem["metadata"]) == ("ETAG_MISMATCH", {"current_etag": "v1"})


async def test_another_error_than_a_mismatch_ends_the_attempts(client: httpx2.AsyncClient, toys: ToyServicer) -> None:
    """What is not there does not match better with another tag."""
    response = await client.patch("/api/toys/gone", json=RENAME, headers={"if-match": '"v0", "v1"'})
    assert (response.status_code, toys.asked_etags) == (404, ["v0"])


@pytest.mark.parametrize("tags", ["v1", '"v1', '"v1" "v2"', "", '*, "v1"', ", ".join(f'"{n}"' for n in range(9))])
async def test_a_condition_that_cannot_be_read_changes_nothing(
    client: httpx2.AsyncClient, toys: ToyServicer, tags: str
) -> None:
    """The header is named."""
    response = await client.patch("/api/toys/x", json=RENAME, headers={"if-match": tags})
    assert (response.status_code, response.json()["errors"][0]["pointer"]) == (400, "/If-Match")
    assert toys.asked_etags == []


async def test_a_condition_that_nobody_can_check_changes_nothing(client: httpx2.AsyncClient) -> None:
    """Dropping it would lose somebody's change."""
    for headers in ({"if-match": '"v1"'}, {"if-none-match": "*"}):
        response = await client.delete("/api/toys/x", headers=headers)
        assert (response.status_code, response.json()["errors"][0]["code"]) == (400, "header.unexpected")


async def test_the_etag_may_stand_in_the_body_too(client: httpx2.AsyncClient, toys: ToyServicer) -> None:
    """It is no field to change; and it must be the one of the header."""
    asked = (await client.patch("/api/toys/x", json={**RENAME, "etag": "v1"})).json()["asked"]
    assert (asked["etag"], asked["update_mask"]) == ("v1", "name")
    response = await client.patch("/api/toys/x", json={**RENAME, "etag": "v1"}, headers={"if-match": '"v1"'})
    assert response.status_code == 200
    response = await client.patch("/api/toys/x", json={**RENAME, "etag": "v0"}, headers={"if-match": '"v1"'})
    assert (response.status_code, response.json()["errors"][0]["code"]) == (400, "header.mismatch")
    assert toys.asked_etags == ["v1", "v1"]
