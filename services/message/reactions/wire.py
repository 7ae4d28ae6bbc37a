"""Reactions as the contract shows them."""

from chat.message.v1 import reaction_service_pb2 as pb
from chat.message.v1.change_pb2 import ChangeData
from chat.message.v1.message_pb2 import ReactionState
from services.message.messages.wire import ProfileOf, reaction_proto, timestamp
from services.message.reactions.domain import Actor, State


def state_proto(state: State) -> ReactionState:
    message = state.message
    return ReactionState(
        message_id=message.id,
        conversation_id=message.conversation_id,
        seq=message.seq,
        reaction=reaction_proto(state.reaction),
        user_id=state.user_id,
    )


def state_body(state: State) -> bytes:
    """Of reaction-added and reaction-removed."""
    return ChangeData(reaction=state_proto(state)).SerializeToString()


def actor_proto(actor: Actor, workspace_id: str, profile_of: ProfileOf) -> pb.ReactionActor:
    user = profile_of(workspace_id, actor.user_id)
    return pb.ReactionActor(emoji=actor.emoji, user=user, created_at=timestamp(actor.created_at))
