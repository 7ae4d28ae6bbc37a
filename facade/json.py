"""The JSON that Socket.IO packets are written and read with."""

from typing import Any

import orjson


class SocketJson:
    """What python-socketio takes in place of the standard module."""

    @staticmethod
    def dumps(value: Any, **_layout: object) -> str:
        return orjson.dumps(value).decode()

    @staticmethod
    def loads(text: str | bytes, **_options: object) -> Any:
        return orjson.loads(text)
