"""Groups as the contract shows them."""

from collections.abc import Sequence

from chat.message.v1 import change_pb2
from chat.message.v1 import group_pb2 as pb
from services.message.groups.domain import Filled, Group
from services.message.messages.wire import timestamp


def group_proto(filled: Filled) -> pb.Group:
    return _proto(filled.group, filled.user_ids)


def group_body(group: Group, *, is_gone: bool) -> bytes:
    """Of group-updated: without the members, who may be a thousand, each of whom is told."""
    told = _proto(group, ())
    told.deleted = is_gone
    return change_pb2.ChangeData(group=told).SerializeToString()


def _proto(group: Group, user_ids: Sequence[str]) -> pb.Group:
    return pb.Group(
        id=group.id,
        handle=group.handle,
        name=group.name,
        user_ids=user_ids,
        created_at=timestamp(group.created_at),
        updated_at=timestamp(group.updated_at),
    )
