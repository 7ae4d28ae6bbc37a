"""What a request changes: the fields that its mask names."""

from functools import partial

from chat.user.v1 import account_service_pb2 as pb
from mesh.errors import Invalid, Violation
from services.user.accounts.domain import EDITABLE, edited
from services.user.accounts.store import Edit


def read_edits(request: pb.UpdateMeRequest) -> Edit:
    """The named fields; without a mask all that are not empty. Raises Invalid (INVALID_REQUEST)."""
    named = list(request.update_mask.paths)
    unknown = [name for name in named if name not in EDITABLE]
    if unknown:
        detail = f"There is no field of that name to change; there are {', '.join(EDITABLE)}."
        raise Invalid(
            "INVALID_REQUEST",
            f"update_mask: {detail}",
            violations=[Violation(f"update_mask.paths[{named.index(unknown[0])}]", "field_mask.in", detail)],
        )
    chosen = named or [name for name in EDITABLE if getattr(request, name)]
    changes = {name: getattr(request, name) for name in chosen}
    return partial(edited, changes=changes)
