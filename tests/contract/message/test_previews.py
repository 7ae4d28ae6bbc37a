"""What every journal promises about previews: they are of one version of a text, and go with it."""

import pytest

from services.message.command import Origin
from services.message.feed.domain import MESSAGE_UPDATED
from services.message.messages.domain import LinkPreview, Message, UndeleteMessage
from services.message.messages.store import MessageStore
from services.message.previews.domain import SetPreviews
from tests.contract.message.desk import ELSEWHERE, HERE, A, B, Desk, as_, told

SHOWN = (
    LinkPreview("http://a", "Ä 'title'", "about", "site", "https://a/i"),
    LinkPreview("http://b", "b", "", "", ""),
)


def show(message: Message, workspace_id: str = HERE, previews: tuple[LinkPreview, ...] = SHOWN) -> SetPreviews:
    return SetPreviews(Origin(workspace_id=workspace_id), message.id, message.version, previews)


async def test_previews_are_shown_with_the_message(desk: Desk, messages: MessageStore) -> None:
    """The version stays, so nobody's change of the text is refused for it."""
    await desk.group(A, B)
    message = await desk.sent(A, "see http://a")
    assert message.previews == ()
    (outcome,) = await desk.do(show(message))
    assert (outcome.result, told(outcome)) == (True, [(MESSAGE_UPDATED, 3, "", 0)])
    stored = await messages.get(as_(B), message.id)
    assert outcome.changes[0].message == stored
    assert (stored.previews, stored.version, stored.etag == message.etag) == (SHOWN, 1, False)
    assert (await desk.result(desk.edit(A, message.id, "other", message.etag))).version == 2


async def test_the_same_previews_are_no_change(desk: Desk) -> None:
    await desk.group(A)
    message = await desk.sent(A)
    outcomes = await desk.do(show(message), show(message))
    assert [len(outcome.changes) for outcome in outcomes] == [1, 0]


@pytest.mark.parametrize("end", ["edited", "deleted"])
async def test_previews_go_with_the_text(desk: Desk, messages: MessageStore, end: str) -> None:
    """And what was seen of the text before comes too late."""
    await desk.group(A)
    message = await desk.sent(A)
    await desk.result(show(message))
    change = desk.edit(A, message.id, "other") if end == "edited" else desk.delete(A, message.id)
    assert (await desk.result(change)).previews == ()
    (outcome,) = await desk.do(show(message))
    assert (outcome.result, outcome.changes) == (False, ())
    assert (await messages.get(as_(A), message.id)).previews == ()


async def test_a_deletion_that_is_taken_back_brings_no_previews(desk: Desk, messages: MessageStore) -> None:
    """They are looked for again, as what the change tells of has none."""
    await desk.group(A)
    message = await desk.sent(A)
    await desk.result(show(message))
    await desk.result(desk.delete(A, message.id))
    back = await desk.result(UndeleteMessage(desk.origin(A), message.id))
    assert (back.text, back.previews) == (message.text, ())
    assert await messages.get(as_(A), message.id) == back
    assert await desk.result(show(back))


async def test_nothing_is_shown_of_what_is_not_there(desk: Desk) -> None:
    await desk.group(A)
    message = await desk.sent(A)
    outcomes = await desk.do(show(message, ELSEWHERE), SetPreviews(Origin(workspace_id=HERE), "none", 1, SHOWN))
    assert [(outcome.result, outcome.changes) for outcome in outcomes] == [(False, ())] * 2
