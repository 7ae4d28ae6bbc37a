"""Nothing that is secret, endless or disguised gets through to a log line."""

from typing import Any

import pytest

from mesh.telemetry.scrub import BLANK, MAX_DEPTH, MAX_ITEMS, MAX_TEXT, clean, scrub


@pytest.mark.parametrize(
    "key", ["Authorization", "set-cookie", "access_token", "PASSWORD", "client_secret", "refresh_id", "tokens"]
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
