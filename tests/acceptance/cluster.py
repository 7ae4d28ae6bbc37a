"""A system of several processes, each of which can be ended and started again at its address."""

import re
import resource
import signal
import subprocess
import time
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

from tests.acceptance.parts import Part, launch
from tests.ports import reserve_address

STOP_S = 90.0
FILES = 16_384
_ERROR = re.compile(r"\[error +\] ([^=\n]*?)(?=  | \w+=|$)", re.MULTILINE)


class Node:
    """A process at an address of its own."""

    def __init__(self, part: str, data: Path, **settings: str) -> None:
        self.name = part
        self._data = data
        self._addresses = {name: reserve_address() for name in ("CHAT_HTTP", "CHAT_GRPC", "CHAT_ADMIN")}
        self._settings = settings
        self._part: Part | None = None

    @property
    def grpc(self) -> str:
        return self._addresses["CHAT_GRPC"]

    @property
    def http(self) -> str:
        return f"http://{self._addresses['CHAT_HTTP']}"

    @property
    def admin(self) -> str:
        return f"http://{self._addresses['CHAT_ADMIN']}"

    @property
    def rss_bytes(self) -> int:
        assert self._part is not None
        pages = int(Path(f"/proc/{self._part.process.pid}/statm").read_text().split()[1])
        return pages * resource.getpagesize()

    @property
    def is_running(self) -> bool:
        return self._part is not None

    def add(self, **settings: str) -> None:
        """More settings, from the next start on."""
        self._settings = {**self._settings, **settings}

    def start(self) -> None:
        """Returns when it is ready."""
        self._part = launch(self.name, self._data, **self._addresses, **self._settings)

    def stop(self, how: signal.Signals = signal.SIGTERM) -> float:
        """Ends it; how many seconds that took."""
        if self._part is None:
            return 0.0
        part, self._part = self._part, None
        began = time.perf_counter()
        part.process.send_signal(how)
        try:
            part.process.communicate(timeout=STOP_S)
        except subprocess.TimeoutExpired:
            part.process.kill()
            part.process.communicate()
        return time.perf_counter() - began


class Cluster:
    """A user service, message and presence services, and facades before them."""

    def __init__(
        self, data: Path, settings: Mapping[str, str], *, facades: int = 2, messages: int = 1, presences: int = 1
    ) -> None:
        self._data = data
        self.user = Node("user", data, **settings)
        known = {**settings, "CHAT_USER_ADDRESS": self.user.grpc}
        self.messages = [Node("message", data, **known) for _ in range(messages)]
        known["CHAT_MESSAGE_ADDRESS"] = "ipv4:" + ",".join(node.grpc for node in self.messages)
        for node in self.messages if messages > 1 else ():
            node.add(CHAT_MESSAGE_ADDRESS=known["CHAT_MESSAGE_ADDRESS"])
        self.presences = [Node("presence", data, **known) for _ in range(presences)]
        known["CHAT_PRESENCE_ADDRESS"] = "ipv4:" + ",".join(node.grpc for node in self.presences)
        self.facades = [Node("facade", data, **known) for _ in range(facades)]

    @property
    def nodes(self) -> Sequence[Node]:
        return (self.user, *self.messages, *self.presences, *self.facades)

    def errors(self) -> Counter[str]:
        """What processes logged as errors."""
        logs = (self._data.parent / f"{name}.log" for name in {node.name for node in self.nodes})
        return Counter(match[1].strip() for log in logs for match in _ERROR.finditer(log.read_text()))

    def urls(self) -> Sequence[str]:
        """Where facades should be."""
        return [facade.http for facade in self.facades]

    @contextmanager
    def running(self) -> Iterator[None]:
        resource.setrlimit(resource.RLIMIT_NOFILE, (FILES, max(FILES, resource.getrlimit(resource.RLIMIT_NOFILE)[1])))
        try:
            with ThreadPoolExecutor(len(self.nodes)) as threads:
                list(threads.map(Node.start, self.nodes))
            yield
        finally:
            for node in reversed(self.nodes):
                node.stop()
