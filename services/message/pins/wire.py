"""Pins as the contract shows them."""

from chat.message.v1 import pin_service_pb2 as pb
from services.message.messages.wire import ProfileOf, message_proto, profile_ids, timestamp
from services.message.pins.domain import Pin


def pin_proto(pin: Pin, profile_of: ProfileOf) -> pb.Pin:
    return pb.Pin(
        message=message_proto(pin.message, profile_of),
        pinned_by=profile_of(pin.message.workspace_id, pin.pinned_by),
        pinned_at=timestamp(pin.pinned_at),
    )


def shown_ids(pin: Pin) -> set[str]:
    """Whose profiles `pin_proto` shows."""
    return {pin.pinned_by, *profile_ids(pin.message)}
