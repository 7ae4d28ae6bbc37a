"""REST routes grown from the contracts: no code per RPC."""

from facade.rest.body import MAX_BODY
from facade.rest.routes import routes

__all__ = ["MAX_BODY", "routes"]
