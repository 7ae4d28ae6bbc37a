"""Settings from a secret store that speaks Vault's HTTP API (KV, version 1 or 2).

`CHAT_X_VAULT=<path>#<key>` names where X is, such as `CHAT_SECRET_VAULT=secret/data/chat#secret`; `CHAT_VAULT_URL` and
`CHAT_VAULT_TOKEN` (or `CHAT_VAULT_TOKEN_FILE`) say which store and who asks. It is asked once, at start.
"""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Protocol

from pydantic.fields import FieldInfo
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource

TIMEOUT_S = 3.0
ATTEMPTS = 3
_SUFFIX = "_VAULT"


class SecretStore(Protocol):
    """Where secrets are kept."""

    def read(self, path: str) -> Mapping[str, str]:
        """The secrets at a path. Raises ValueError, which says what to do and no secret."""
        ...


class Vault:
    """A store at a URL, asked with a token."""

    def __init__(self, url: str, token: str) -> None:
        self._url = url.rstrip("/")
        self._token = token

    def read(self, path: str) -> Mapping[str, str]:
        import httpx2  # Only who keeps secrets in a store pays for it.

        transport = httpx2.HTTPTransport(retries=ATTEMPTS - 1)
        headers = {"X-Vault-Token": self._token, "X-Vault-Request": "true"}
        with httpx2.Client(transport=transport, timeout=TIMEOUT_S, headers=headers) as client:
            try:
                answer = client.get(f"{self._url}/v1/{path.strip('/')}")
            except httpx2.HTTPError as error:
                raise ValueError(
                    f"the secret store at CHAT_VAULT_URL does not answer: {type(error).__name__}"
                ) from None
        if answer.status_code != 200:
            raise ValueError(f"the secret store answers {answer.status_code} for {path}")
        return _secrets(answer.json(), path)


class VaultSource(PydanticBaseSettingsSource):
    """The settings whose `CHAT_X_VAULT` names a place. Each path is read once."""

    def __init__(self, settings_cls: type[BaseSettings], store: SecretStore | None = None) -> None:
        super().__init__(settings_cls)
        self._store = store
        self._read: dict[str, Mapping[str, str]] = {}

    def get_field_value(self, field: FieldInfo, field_name: str) -> tuple[Any, str, bool]:
        variable = f"CHAT_{field_name.upper()}{_SUFFIX}"
        reference = os.environ.get(variable)
        return (self._look_up(reference, variable) if reference else None), field_name, False

    def __call__(self) -> dict[str, Any]:
        names = self.settings_cls.model_fields
        values = {name: self.get_field_value(field, name)[0] for name, field in names.items()}
        return {name: value for name, value in values.items() if value is not None}

    def _look_up(self, reference: str, variable: str) -> str:
        path, _, key = reference.partition("#")
        if not path or not key:
            raise ValueError(f"{variable} must be a path and a key, such as secret/data/chat#key")
        if path not in self._read:
            self._store = self._store or _configured()
            self._read[path] = self._store.read(path)
        if key not in self._read[path]:
            raise ValueError(f"{variable}: there is no {key} at {path}")
        return self._read[path][key]


def _configured() -> Vault:
    url, token = os.environ.get("CHAT_VAULT_URL"), os.environ.get("CHAT_VAULT_TOKEN")
    if file := os.environ.get("CHAT_VAULT_TOKEN_FILE"):
        token = Path(file).read_text(encoding="utf-8").strip()
    if not url or not token:
        raise ValueError("a setting is kept in a secret store: set CHAT_VAULT_URL and CHAT_VAULT_TOKEN")
    return Vault(url, token)


def _secrets(answer: Any, path: str) -> Mapping[str, str]:
    data = answer.get("data") if isinstance(answer, dict) else None
    if isinstance(data, dict) and isinstance(data.get("data"), dict) and "metadata" in data:
        data = data["data"]  # Version 2 wraps the secrets of a path in their history.
    if not isinstance(data, dict):
        raise ValueError(f"the secret store has no secrets at {path}")
    return {name: str(value) for name, value in data.items()}
