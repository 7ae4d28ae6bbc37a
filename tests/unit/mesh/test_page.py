"""Pages and their cursors."""

import pytest

from chat.message.v1.message_pb2 import Message
from mesh.cursor import CursorCodec
from mesh.page import MAX_BYTES, Cursors, Place, Slice, fit, limit_of

CURSORS = Cursors[str](CursorCodec(b"secret"), "list", lambda item: (item,))


@pytest.mark.parametrize(("asked", "limit"), [(0, 50), (1, 1), (100, 100), (101, 100)])
def test_limits_are_the_nearest_allowed(asked: int, limit: int) -> None:
    """0 means the default."""
    assert limit_of(asked) == limit
    assert limit_of(asked, 70) == min(limit, 70)


def test_cursors_lead_on_from_the_ends_of_a_page() -> None:
    """Forward after the last item, back before the first."""
    page = CURSORS.page(Slice(["b", "c"], has_prev=True, has_next=True), 2)
    assert CURSORS.place(page.next_cursor) == Place(("c",), back=False)
    assert CURSORS.place(page.prev_cursor) == Place(("b",), back=True)
    assert (page.has_more, page.limit) == (True, 2)


def test_ends_have_no_cursor() -> None:
    """Neither has an empty page; no cursor is the beginning."""
    page = CURSORS.page(Slice(["b"], has_prev=False, has_next=False), 2)
    assert (page.next_cursor, page.prev_cursor, page.has_more) == ("", "", False)
    assert CURSORS.page(Slice([], has_prev=True, has_next=True), 7).limit == 7
    assert CURSORS.place("") is None


@pytest.mark.parametrize(("from_end", "kept"), [(False, ["0", "1"]), (True, ["1", "2"])])
def test_a_page_keeps_to_its_bytes(from_end: bool, kept: list[str]) -> None:
    """What does not fit comes with the next page; the items nearest to the place stay."""
    items = [Message(id=str(i), text="x" * (MAX_BYTES // 2 - 100)) for i in range(3)]
    assert [item.id for item in fit(items, from_end=from_end)] == kept


def test_a_single_item_always_fits() -> None:
    """Otherwise nobody could ever read past it."""
    assert len(fit([Message(text="x" * (MAX_BYTES + 1))] * 2, from_end=False)) == 1
    assert fit([], from_end=True) == []
