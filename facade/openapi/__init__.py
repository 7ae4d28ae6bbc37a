"""The OpenAPI 3.1 document of the REST surface, made from the same contracts as its routes."""

from facade.openapi.operations import document

__all__ = ["document"]
