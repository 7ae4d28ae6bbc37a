"""What an idempotency key stands for: one call of one caller. Nobody who reads only the database learns of either."""

import hmac
import json
import re

from google.protobuf.message import Message

from mesh.errors import Invalid
from mesh.identity.principal import Principal
from mesh.sealing import Sealer, derive

METADATA_KEY = "idempotency-key"
_VISIBLE = re.compile(r"[\x21-\x7e]{1,255}")


class CallKey:
    """A key as its caller uses it for a method: two callers, or two methods, may use the same text.

    All that is kept under it depends on the secret of the installation and on the text itself, which is not kept.
    """

    def __init__(self, secret: bytes, text: str, *, method: str, principal: Principal | None) -> None:
        """Raises Invalid (IDEMPOTENCY_KEY_INVALID)."""
        if not _VISIBLE.fullmatch(text):
            raise Invalid("IDEMPOTENCY_KEY_INVALID", "An idempotency key is 1 to 255 visible ASCII characters.")
        user_id = principal.user_id if principal else ""
        self.workspace_id = principal.workspace_id if principal else ""
        whole = json.dumps([method, self.workspace_id, user_id, text])
        self.hash = derive(secret, f"idempotency key {whole}")
        self._requests = derive(secret, f"idempotency request {whole}")
        self._sealer = Sealer(secret, f"idempotency answer {whole}")

    def fingerprint(self, request: Message) -> bytes:
        """Tells one request from another."""
        return hmac.digest(self._requests, request.SerializeToString(deterministic=True), "sha256")

    def seal(self, answer: bytes) -> bytes:
        return self._sealer.seal(answer)

    def open(self, sealed: bytes) -> bytes:
        return self._sealer.open(sealed)
