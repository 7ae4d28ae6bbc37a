"""All settings, read once from `CHAT_*`. Each default is the embedded one.

`CHAT_X_FILE` names a file that holds X, `CHAT_X_VAULT` a place in a secret store.
"""

import os
from ipaddress import ip_network
from pathlib import Path
from typing import Any, Literal, Self

from pydantic import Field, field_validator, model_validator
from pydantic.fields import FieldInfo
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict

from mesh.limits import overrides
from mesh.vault import VaultSource


class Settings(BaseSettings):
    """The configuration of a process. Back ends are chosen by URL alone."""

    model_config = SettingsConfigDict(env_prefix="CHAT_", frozen=True, extra="ignore", hide_input_in_errors=True)

    env: Literal["dev", "production"] = "dev"
    data: Path = Path(".chat")
    """Folder of everything that the embedded back ends keep."""
    http: str = "127.0.0.1:8080"
    """Where the facade listens."""
    grpc: str = "127.0.0.1:50051"
    """Where the hosted services listen."""
    admin: str = "127.0.0.1:8081"
    """Where health, readiness and metrics are served."""
    sql_url: str = ""
    """Database of the user service; SQLite below `data` when empty."""
    sql_replica_url: str = ""
    """Copy of the user service's PostgreSQL database that answers what may be seconds old; none when empty."""
    messages_url: str = ""
    """Database of the message service; SQLite below `data` when empty."""
    presence_url: str = ""
    """Redis of presence; memory when empty."""
    limits_url: str = ""
    """Redis of the rate limits; that of presence when empty, and memory when that is empty too."""
    limits: str = ""
    """Changes to the rate limits, such as `send=100/s,login.account=5/10s`, or `off`; see docs/limits.md."""
    smtp_url: str = Field(default="", repr=False)
    """Mail server, `smtp://[user:password@]host[:port]` or `smtps://…`; kept and shown at `/dev/outbox` when empty."""
    mail_from: str = "chat@localhost"
    """Sender of mails."""
    public_url: str = ""
    """Where people reach the facade, for links in mails; `http://` and `http` when empty."""
    origins: str = ""
    """Origins of pages that may use the API beside our own, separated by commas, such as `https://app.example.com`."""
    oidc_providers: str = Field(default="", repr=False)
    """OpenID providers that people may log in by, as JSON:
    `{"corp": {"issuer": "https://…", "client_id": "…", "client_secret": "…", "title": "Corp"}}`.
    """
    trusted_proxies: str = ""
    """Networks of proxies whose `X-Forwarded-For` is believed, separated by commas, such as `10.0.0.0/8`."""
    secret: str = Field(default="", repr=False)
    """Shared by all processes of the installation: signs cursors, seals what is kept, proves who calls whom. At least
    32 characters. Made on first run when empty.
    """
    user_address: str = ""
    """gRPC target of the user service when this process does not host it."""
    message_address: str = ""
    """gRPC target of the message service when this process does not host it; a list, or a `dns:///` name, of all its
    instances when there are several, which is for these to know too.
    """
    presence_address: str = ""
    """gRPC target of the presence service when this process does not host it."""
    previews: bool = False
    """Whether the message service looks at pages that messages link to, and shows previews of them."""
    log: Literal["text", "json"] = "text"
    """Form of the log lines."""
    log_level: Literal["debug", "info", "warning", "error"] = "info"
    """The least level that is logged."""

    @model_validator(mode="after")
    def _check_limits(self) -> Self:
        table = overrides.read(self.limits)
        if self.env == "production" and (open_ := overrides.unguarded(table)):
            raise ValueError(f"CHAT_LIMITS: with CHAT_ENV=production {', '.join(open_)} cannot be off.")
        return self

    @model_validator(mode="after")
    def _check_replica(self) -> Self:
        urls = (self.sql_url, self.sql_replica_url)
        if self.sql_replica_url and not all(url.startswith("postgresql") for url in urls):
            raise ValueError(
                "CHAT_SQL_REPLICA_URL: only PostgreSQL has replicas, and CHAT_SQL_URL names what it copies."
            )
        return self

    @field_validator("trusted_proxies")
    @classmethod
    def _check_proxies(cls, networks: str) -> str:
        for network in filter(None, map(str.strip, networks.split(","))):
            ip_network(network)
        return networks

    def address(self, service: str) -> str:
        """The gRPC target of `service`; empty when none is set."""
        return str(getattr(self, f"{service}_address", ""))

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        return init_settings, env_settings, _FileSource(settings_cls), VaultSource(settings_cls)


class _FileSource(PydanticBaseSettingsSource):
    """Reads `CHAT_X` from the file that `CHAT_X_FILE` names."""

    def get_field_value(self, field: FieldInfo, field_name: str) -> tuple[Any, str, bool]:
        variable = f"CHAT_{field_name.upper()}_FILE"
        path = os.environ.get(variable)
        try:
            return (Path(path).read_text(encoding="utf-8").strip() if path else None), field_name, False
        except (OSError, UnicodeDecodeError) as error:
            raise ValueError(f"{variable}={path} cannot be read: {type(error).__name__}") from None

    def __call__(self) -> dict[str, Any]:
        names = self.settings_cls.model_fields
        values = {name: self.get_field_value(field, name)[0] for name, field in names.items()}
        return {name: value for name, value in values.items() if value is not None}
