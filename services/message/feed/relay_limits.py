"""What the entries of a Relay frame are charged: all at once, before any of them starts."""

from collections.abc import Callable, Mapping, Sequence

from google.protobuf.message import Message

from chat.message.v1 import feed_service_pb2 as pb
from mesh.call.context import RequestContext
from mesh.errors import Error, Exhausted
from mesh.identity.principal import Principal
from mesh.limits.classes import TOKEN
from mesh.limits.limiter import Charge
from mesh.limits.limits import Limits, refusal


class RelayLimits:
    """Calls are charged by their class and attachments as tokens, to whom they act for, as if they came alone.

    A gateway of the installation (`is_mesh`) attaches a session at each instance, and is charged for it once.
    """

    def __init__(self, limits: Limits, *, is_mesh: bool) -> None:
        self._limits, self._is_mesh = limits, is_mesh

    async def take(
        self,
        frame: pb.RelayRequest,
        requests: Sequence[Message | None],
        tokens: Mapping[str, Principal | Error],
        *,
        speaker_of: Callable[[int], Principal | None],
        address_of: Callable[[pb.Attach], str],
    ) -> list[Exhausted | None]:
        """For each entry why it has to wait, or None.

        `requests` are what its calls ask for, by entry; None where that cannot be answered. `tokens` says whom those
        of the frame prove, `speaker_of` who speaks in a session that was attached before.
        """
        if self._limits.are_off:
            return [None] * len(requests)
        attached: dict[int, Principal] = {}
        charges = []
        for entry, request in zip(frame.entries, requests, strict=True):
            if entry.HasField("attach") and isinstance(principal := tokens[entry.attach.token], Principal):
                attached[entry.session] = principal
            speaker = attached.get(entry.session) or speaker_of(entry.session)
            charges.append(self._charges(entry, request, speaker, address_of))
        return [refusal(decisions) for decisions in await self._limits.take_each(charges)]

    def _charges(
        self,
        entry: pb.RelayEntry,
        request: Message | None,
        speaker: Principal | None,
        address_of: Callable[[pb.Attach], str],
    ) -> list[Charge]:
        if entry.HasField("attach"):
            if entry.attach.counted and self._is_mesh:
                return []
            return self._limits.of_class(TOKEN, RequestContext(principal=speaker, address=address_of(entry.attach)))
        if request is None or speaker is None:
            return []  # It will be refused for another reason.
        return self._limits.of_call(entry.call.method, RequestContext(principal=speaker), request)
