"""The edge: what REST and Socket.IO clients speak, translated to gRPC. It knows the contracts, never a service."""

import facade.lean  # noqa: F401  (before any module here loads python-socketio)
