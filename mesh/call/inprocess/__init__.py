"""gRPC without a socket: a server and its channel in one process, with the behaviour of the real ones.

Messages are copied through their wire form, each call runs in a task and context of its own, and interceptors,
metadata, deadlines, cancellation, size limits and flow control work as over TCP; one test suite runs over both.
"""

from mesh.call.inprocess.call import MAX_MESSAGE_BYTES
from mesh.call.inprocess.channel import InProcessChannel
from mesh.call.inprocess.server import InProcessServer

__all__ = ["MAX_MESSAGE_BYTES", "InProcessChannel", "InProcessServer"]
