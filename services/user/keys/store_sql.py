"""Signing keys in SQL, private halves sealed with the secret of the installation."""

from collections.abc import Callable
from datetime import datetime, timedelta

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, load_der_private_key
from sqlalchemy import Connection, delete, insert, select, text, update

from mesh.audit.entry import entry
from mesh.audit.log import Trail, note
from mesh.database import Database
from mesh.identity.jwk import to_jwk
from mesh.sealing import Sealer
from services.user.keys.domain import RETIREMENT, KeySet, SigningKey
from services.user.tables import signing_keys

_ALL = select(signing_keys).order_by(signing_keys.c.signs_from, signing_keys.c.kid)


class SqlKeyStore:
    """`first` gives the private half of the first key."""

    def __init__(
        self, database: Database, sealer: Sealer, trail: Trail, first: Callable[[], Ed25519PrivateKey]
    ) -> None:
        self._database = database
        self._sealer = sealer
        self._trail = trail
        self._first = first

    async def load(self, now: datetime) -> KeySet:
        keys = await self._database.read(self._keys)
        return KeySet(keys or await self._database.write(lambda connection: self._keys_or_first(connection, now)))

    async def rotate(self, now: datetime, lead: timedelta) -> SigningKey:
        noted = entry("keys.rotated", at=now, actor_id="", workspace_id="")
        key = SigningKey.of(Ed25519PrivateKey.generate(), now, lead)

        def work(connection: Connection) -> SigningKey:
            if pending := KeySet(self._keys_or_first(connection, now)).pending(now):
                return pending
            staying = signing_keys.c.gone_at.is_(None)
            connection.execute(update(signing_keys).where(staying).values(gone_at=key.signs_from + RETIREMENT))
            self._insert(connection, key)
            note(connection, self._trail, noted)
            return key

        return await self._database.write(work)

    async def sweep(self, now: datetime, limit: int) -> int:
        old = select(signing_keys.c.kid).where(signing_keys.c.gone_at <= now).limit(limit)
        gone = delete(signing_keys).where(signing_keys.c.kid.in_(old))
        return await self._database.write(lambda connection: connection.execute(gone).rowcount)

    def _keys_or_first(self, connection: Connection, now: datetime) -> list[SigningKey]:
        if connection.dialect.name == "postgresql":  # SQLite has one writer at a time anyway.
            connection.execute(text("LOCK TABLE signing_keys IN SHARE ROW EXCLUSIVE MODE"))
        keys = self._keys(connection)
        if not keys:
            keys = [SigningKey.of(self._first(), now)]
            self._insert(connection, keys[0])
        return keys

    def _insert(self, connection: Connection, key: SigningKey) -> None:
        plain = key.private.private_bytes(Encoding.DER, PrivateFormat.PKCS8, NoEncryption())
        row = {"kid": key.kid, "private": self._sealer.seal(plain, key.kid)}
        connection.execute(insert(signing_keys).values(created_at=key.created_at, signs_from=key.signs_from, **row))

    def _keys(self, connection: Connection) -> list[SigningKey]:
        keys = []
        for row in connection.execute(_ALL):
            private = load_der_private_key(self._sealer.open(row.private, row.kid), password=None)
            assert isinstance(private, Ed25519PrivateKey)
            keys.append(SigningKey(private, to_jwk(private.public_key()), row.created_at, row.signs_from, row.gone_at))
        return keys
