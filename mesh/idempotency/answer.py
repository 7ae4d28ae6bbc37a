"""The answer of a call as it is kept: what it answered, or why it was refused."""

from google.protobuf.descriptor_pool import Default
from google.protobuf.message import Message
from google.protobuf.message_factory import GetMessageClass
from google.rpc.status_pb2 import Status

from mesh.call.status import from_status, to_status
from mesh.errors import Conflict, Error, Forbidden, Invalid, NotFound, WrongState

Answer = Message | Error

_RESPONSE, _REFUSAL = b"\0", b"\1"
_REFUSALS = (Invalid, Conflict, NotFound, WrongState, Forbidden)


def is_final(error: Error) -> bool:
    """Whether trying again later would be refused again. Other failures pass, and are not kept."""
    return isinstance(error, _REFUSALS)


def encode(answer: Answer) -> bytes:
    tag, message = (_REFUSAL, to_status(answer)) if isinstance(answer, Error) else (_RESPONSE, answer)
    data: bytes = message.SerializeToString()
    return tag + data


def decode(method: str, kept: bytes) -> Answer:
    """The answer of a method such as `/chat.user.v1.AccountService/Register`."""
    if kept[:1] == _REFUSAL:
        return from_status(Status.FromString(kept[1:]))
    descriptor = Default().FindMethodByName(method.lstrip("/").replace("/", "."))
    return GetMessageClass(descriptor.output_type).FromString(kept[1:])
