"""Drafts as the contract shows them."""

from chat.message.v1 import change_pb2, draft_pb2
from services.message.drafts.domain import Draft
from services.message.messages.wire import timestamp


def draft_proto(draft: Draft) -> draft_pb2.Draft:
    return draft_pb2.Draft(
        conversation_id=draft.conversation_id,
        thread_root=draft.thread_root,
        text=draft.text,
        reply_to=draft.reply_to,
        updated_at=timestamp(draft.updated_at),
    )


def draft_body(draft: Draft) -> bytes:
    """Of draft-updated."""
    return change_pb2.ChangeData(draft=draft_proto(draft)).SerializeToString()


def draft_name(draft: Draft) -> bytes:
    """What the log keeps of draft-updated: which draft it was, so that no text outlives it."""
    return draft_body(Draft(draft.conversation_id, draft.thread_root, updated_at=draft.updated_at))
