"""The edge: what REST and Socket.IO clients speak, translated to gRPC. It knows the contracts, never a service."""
