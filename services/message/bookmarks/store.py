"""The port through which bookmarks are read. Writes go through the journal."""

from typing import Protocol

from mesh.identity.principal import Principal
from mesh.page import Place, Slice
from services.message.bookmarks.domain import Bookmark


class BookmarkStore(Protocol):
    async def page(self, caller: Principal, place: Place | None, limit: int) -> Slice[Bookmark]:
        """What the caller keeps of what they can read now, the latest first.

        Places are by `created_at` in ISO 8601 and message id.
        """
        ...
