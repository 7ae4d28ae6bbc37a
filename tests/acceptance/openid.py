"""A real OpenID provider on this machine: the certified implementation for Node."""

import subprocess
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import orjson

from tests.acceptance.npm import installed
from tests.ports import reserve_port

PACKAGE, VERSION = "oidc-provider", "9.13.3"
SCRIPT = Path(__file__).with_name("openid_provider.mjs")


@contextmanager
def open_provider(clients: Sequence[Mapping[str, Any]], accounts: Mapping[str, Mapping[str, Any]]) -> Iterator[str]:
    """Its issuer. `accounts` holds the claims of people by the name that they log in with."""
    folder, port = installed(PACKAGE, VERSION), reserve_port()
    issuer = f"http://127.0.0.1:{port}"
    settings = orjson.dumps({"issuer": issuer, "port": port, "clients": clients, "accounts": accounts})
    command = ["node", str(SCRIPT), str(folder), settings.decode()]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as process:
        assert process.stdout is not None
        assert any(line == "ready\n" for line in process.stdout), "the provider did not start"
        try:
            yield issuer
        finally:
            process.terminate()
