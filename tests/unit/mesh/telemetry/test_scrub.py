"""Nothing that is secret, endless or disguised gets through to a log line."""

from base64 import urlsafe_b64encode
from typing import Any

import pytest

from mesh.telemetry.scrub import BLANK, MAX_DEPTH, MAX_ITEMS, MAX_TEXT, blank_secrets, clean, scrub


@pytest.mark.parametrize(
    "key",
    ["Authorization", "set-cookie", "access_token", "PASSWORD", "client_secret", "refresh_id", "tokens", "ticket"],
)
def test_value_of_a_secret_key_is_blanked(key: str) -> None:
    """Keys that name a secret lose their value, at the top and inside."""
    event = scrub(None, "info", {key: "s3cret", "nested": {"deep": [{key: "s3cret"}]}})
    assert event == {key: BLANK, "nested": {"deep": [{key: BLANK}]}}


def test_structlog_s_own_keys_are_left_alone() -> None:
    """`exc_info` and keys that start with `_` reach structlog as they are."""
    error, record = ValueError("x"), object()
    assert scrub(None, "error", {"exc_info": error, "_record": record}) == {"exc_info": error, "_record": record}


@pytest.mark.parametrize(
    ("raw", "expected"),
    [
        ("a\r\nb", "a b"),
        ("\x1b[2Jx", " [2Jx"),
        ("a\u2028b", "a b"),
        ("a\x9bb", "a b"),
        ("bad \ud800 half", "bad   half"),
        ("żółw 龟 🐢", "żółw 龟 🐢"),
    ],
)
def test_control_characters_are_stripped(raw: str, expected: str) -> None:
    """No value can begin a new line or drive a terminal; every script passes."""
    assert clean(raw) == expected


def test_long_text_is_cut_and_says_so() -> None:
    """A text beyond the limit keeps its beginning and tells its length."""
    assert clean("x" * MAX_TEXT) == "x" * MAX_TEXT
    assert clean("x" * (MAX_TEXT + 1)) == "x" * MAX_TEXT + f"… ({MAX_TEXT + 1} characters)"


@pytest.mark.parametrize("value", [0, 1.5, True, None])
def test_plain_values_keep_their_type(value: object) -> None:
    """Numbers, booleans and null stay what they are."""
    assert clean(value) is value


def test_collections_are_bounded() -> None:
    """No list, dict or nesting makes a line without end, not even one that holds itself."""
    assert len(clean(list(range(1000)))) == MAX_ITEMS
    assert len(clean({n: n for n in range(1000)})) == MAX_ITEMS
    loop: list[Any] = []
    loop.append(loop)
    cleaned = clean(loop)
    for _ in range(MAX_DEPTH - 1):
        cleaned = cleaned[0]
    assert cleaned == ["[[...]]"]


def test_other_values_become_text() -> None:
    """Anything else is shown by its repr, sets as lists, keys as text."""
    assert clean(b"\x00") == "b'\\x00'"
    assert clean({("a", 1): {7}}) == {"('a', 1)": [7]}


TOKEN = urlsafe_b64encode(bytes(range(32))).rstrip(b"=").decode()


@pytest.mark.parametrize(
    ("raw", "shown"),
    [
        ("Authorization: Bearer abc.def-123", "Authorization: Bearer ***"),
        ("BASIC dXNlcjpwYXNz", "BASIC ***"),
        ("got eyJhbGciOiJFZERTQSJ9.eyJzdWIiOiJ1In0.c2ln, expired", "got ***, expired"),
        ("key ck_Ab3-_x9Zq8 is unknown", "key *** is unknown"),
        (f"refresh {TOKEN}.{TOKEN}!", "refresh ***.***!"),
        (f"https://chat.example.com/account/reset#token={TOKEN}", "https://chat.example.com/account/reset#token=***"),
        ("postgresql+psycopg://chat:p%40ss@db:5432/chat", "postgresql+psycopg://chat:***@db:5432/chat"),
        ("hash $argon2id$v=19$m=19456,t=2,p=1$c2FsdA$aGFzaA ends", "hash *** ends"),
    ],
)
def test_what_looks_like_a_secret_is_blanked_in_any_text(raw: str, shown: str) -> None:
    """Whatever its key is called: in a text, in a list, in the text of an error."""
    assert clean(raw) == clean([raw])[0] == shown
    assert blank_secrets(f"line one\n{raw}") == f"line one\n{shown}"


@pytest.mark.parametrize(
    "text",
    [
        "018f4e9a-7c1d-7b3e-9a64-0f6b1d2c3e4f",
        "0af7651916cd43dd8448eb211c80319c",
        "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
        "/chat.user.v1.AdministrationService/ListAuditOfEverythingThatWasEverDone",
        "test_a_token_used_after_its_successor_revokes_the_session_and_no_other",
        "https://chat.example.com:8080/api/users?cursor=x",
        "the bearer of bad news",
        "basic things",
        "ck_short",
    ],
)
def test_what_is_none_is_left(text: str) -> None:
    """Ids, hashes, names of methods and ordinary words."""
    assert clean(text) == text


def test_a_secret_that_a_cut_goes_through_is_blanked_whole() -> None:
    """Half of it would not look like one."""
    for start in range(MAX_TEXT - len(TOKEN), MAX_TEXT + 1):
        assert TOKEN[:8] not in clean("x " * (start // 2) + TOKEN)


def test_looking_for_secrets_takes_no_time() -> None:
    """Endless text costs what its beginning costs."""
    for text in ("a" * 10**6, "aA" * 10**6, "ey.J" * 10**6, "://:" * 10**6, "bearer " * 10**6):
        assert len(clean(text)) < MAX_TEXT + 100
