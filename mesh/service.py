"""What a service is to the process that hosts it, and what it is given there."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from typing import Any

import grpc

from mesh.call.instances import Instances
from mesh.events.bus import Bus
from mesh.idempotency.store import IdempotencyStore
from mesh.identity.verifier import Verifier
from mesh.limits.limits import Limits, unlimited
from mesh.policy.overload import Overload
from mesh.settings import Settings
from mesh.telemetry.metrics import Metrics

Register = Callable[[Any], None]
"""Adds servicers to a server, with the generated `add_*_to_server` functions."""


Show = Callable[[], Awaitable[Sequence[Mapping[str, Any]]]]
"""Asks for the present items of a list that the pages of development show."""

ChannelFor = Callable[[str], grpc.aio.Channel]
"""Finds the way to a service by its name: in this process or over the network."""


@dataclass(frozen=True, slots=True)
class Mesh:
    """All that a service is given by its host."""

    settings: Settings
    secret: bytes = field(repr=False)
    """The secret that all processes of the installation share; derive from it, never use it as it is."""
    channel: ChannelFor
    """`channel("user")` reaches the user service, hosted here or elsewhere."""
    verifier: Verifier
    """Verifies access tokens."""
    bus: Bus
    """Carries events to whoever consumes them. Publish through an outbox."""
    metrics: Metrics
    """Counts and times what happens."""
    limits: Limits = field(default_factory=unlimited)
    """Charges what comes in batches; calls by themselves are charged before they are served."""
    instances: Callable[[str], Instances] = field(default=lambda name: Instances())
    """`instances("message")` tells where each instance of the message service is. In this process it is one."""
    overload: Overload = field(default_factory=Overload)
    """Refuses what is not important enough when the process cannot keep up."""
    keep_idempotency: Callable[[str, IdempotencyStore], None] = field(default=lambda service, store: None)
    """Names where a service keeps the idempotency keys of its calls."""
    show: Callable[[str, Show], None] = field(default=lambda name, what: None)
    """Offers something to the pages of development."""
    at_drain: Callable[[Callable[[], None]], None] = field(default=lambda _: None)
    """Registers what ends open streams when the process begins to stop, so that calls can end before servers do."""


@dataclass(frozen=True, slots=True)
class Service:
    """A service that a process can host. `open` yields what registers its servicers; leaving it closes everything."""

    name: str
    open: Callable[[Mesh], AbstractAsyncContextManager[Register]] = field(repr=False)
    groups: Sequence[str] = ()
    """The groups that it consumes events as: a process that hosts it loses none of theirs while it starts."""
